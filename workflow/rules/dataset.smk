# All recordings of a person -> windows of 64 frames in the published format.


rule chunk:
    input:
        faces=per_video("faces_p0.npz"),
        speaking=per_video("speaking.npz"),
        mel=per_video("mel_p0.npy"),
    output:
        train=chunk_files("train"),
        test=chunk_files("test"),
    log:
        "results/{person}/logs/chunk.log",
    benchmark:
        "results/{person}/benchmarks/chunk.tsv"
    conda:
        "../../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        settings=settings("chunking"),
        listener=listener,
        train=lambda wildcards: split(wildcards, "train"),
        test=lambda wildcards: split(wildcards, "test"),
        videos=videos_folder,
        out=chunks_folder,
    shell:
        "l2l chunk {params.videos} --train {params.train:q} --test {params.test:q} --listener {params.listener}"
        " --out {params.out} {params.settings} 2>&1 | tee {log}"
