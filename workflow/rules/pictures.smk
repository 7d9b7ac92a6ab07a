# A first look at what was measured and what was sampled.


rule preview:
    input:
        table="results/{person}/preprocess.tsv",
        chunks=test_chunks,
        samples="results/{person}/samples.npz",
        basis="results/{person}/face_basis.npz",
    output:
        preview="results/{person}/preview.mp4",
    log:
        "results/{person}/logs/preview.log",
    benchmark:
        "results/{person}/benchmarks/preview.tsv"
    conda:
        "../../envs/preprocess.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
    params:
        settings=settings("preview"),
        listener=listener,
        videos="results/{person}/videos",
        chunks=chunks_folder,
    shell:
        "l2l preview {params.videos} --chunks {params.chunks} --samples {input.samples} --basis {input.basis}"
        " --listener {params.listener} --table {input.table} --out {output.preview} {params.settings} 2>&1 | tee {log}"
