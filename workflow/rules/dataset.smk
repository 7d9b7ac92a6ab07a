# Recordings, arrays or an archive -> windows of 64 frames in the published format.


rule chunk:
    input:
        faces=per_video("faces_left.npz"),
        speaking=per_video("speaking.npz"),
        mel=per_video("mel_left.npy"),
    output:
        train=chunk_files("train"),
        test=chunk_files("test"),
    log:
        "results/{person}/logs/chunk.log",
    benchmark:
        "results/{person}/benchmarks/chunk.tsv"
    wildcard_constraints:
        person=one_of(BY_STEP),
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


rule chunk_arrays:
    input:
        arrays=array_files,
    output:
        train=chunk_files("train"),
        test=chunk_files("test"),
    log:
        "results/{person}/logs/chunk_arrays.log",
    benchmark:
        "results/{person}/benchmarks/chunk_arrays.tsv"
    wildcard_constraints:
        person=one_of(people_from("arrays")),
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
        arrays=raw_folder,
        out=chunks_folder,
    shell:
        "l2l chunk-arrays {params.arrays} --train {params.train:q} --test {params.test:q}"
        " --listener {params.listener} --out {params.out} {params.settings} 2>&1 | tee {log}"


rule gather:
    input:
        chunks=members_chunks,
    output:
        train=chunk_files("train"),
        test=chunk_files("test"),
    log:
        "results/{person}/logs/gather.log",
    benchmark:
        "results/{person}/benchmarks/gather.tsv"
    wildcard_constraints:
        person=one_of(people_from("people")),
    conda:
        "../../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        members=members_options,
        out=chunks_folder,
    shell:
        "l2l gather {params.members} --out {params.out} 2>&1 | tee {log}"


# update: what is there already is never deleted for being made again; the archive may be gone by then.
rule fetch:
    input:
        lambda wildcards: published_data(wildcards.person),
    output:
        train=update(chunk_files("train")),
        test=update(chunk_files("test")),
    log:
        "results/{person}/logs/fetch.log",
    benchmark:
        "results/{person}/benchmarks/fetch.tsv"
    wildcard_constraints:
        person=one_of(PUBLISHED),
    conda:
        "../../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=1440,
    shell:
        "l2l fetch {wildcards.person} 2>&1 | tee {log}"
