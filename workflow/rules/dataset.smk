# Recordings, arrays or an archive -> windows of 64 frames in the published format.


rule chunk:
    input:
        table="results/{person}/preprocess.tsv",
    output:
        train=chunk_files("data/{person}", "train"),
        test=chunk_files("data/{person}", "test"),
    log:
        "results/{person}/logs/chunk.log",
    benchmark:
        "results/{person}/benchmarks/chunk.tsv"
    wildcard_constraints:
        person=none_of([*people_from("arrays", "people"), *PUBLISHED]),
    conda:
        "../../envs/preprocess.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=minutes(240),
    params:
        settings=settings("chunking"),
        listener=listener,
        videos="results/{person}/videos",
        out=chunks_folder,
    shell:
        "l2l chunk {params.videos} --table {input.table} --listener {params.listener} --out {params.out}"
        " {params.settings} 2>&1 | tee {log}"


rule chunk_arrays:
    input:
        arrays=array_files,
    output:
        train=chunk_files("data/{person}", "train"),
        test=chunk_files("data/{person}", "test"),
    log:
        "results/{person}/logs/chunk_arrays.log",
    benchmark:
        "results/{person}/benchmarks/chunk_arrays.tsv"
    wildcard_constraints:
        person=one_of(people_from("arrays")),
    conda:
        "../../envs/preprocess.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=minutes(240),
    params:
        settings=settings("chunking"),
        listener=listener,
        train=split_option("train"),
        test=split_option("test"),
        arrays="data/raw/{person}",
        out=chunks_folder,
    shell:
        "l2l chunk-arrays {params.arrays} {params.train} {params.test}"
        " --listener {params.listener} --out {params.out} {params.settings} 2>&1 | tee {log}"


rule gather:
    input:
        chunks=members_chunks,
    output:
        train=chunk_files("data/{person}", "train"),
        test=chunk_files("data/{person}", "test"),
    log:
        "results/{person}/logs/gather.log",
    benchmark:
        "results/{person}/benchmarks/gather.tsv"
    wildcard_constraints:
        person=one_of(people_from("people")),
    conda:
        "../../envs/preprocess.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=minutes(240),
    params:
        members=members_options,
        out=chunks_folder,
    shell:
        "l2l gather {params.members} --out {params.out} 2>&1 | tee {log}"


# update: what is there already is never deleted for being made again; the archive may be gone by then.
rule fetch:
    input:
        published_data,
    output:
        train=update(chunk_files("data/{person}", "train")),
        test=update(chunk_files("data/{person}", "test")),
    log:
        "results/{person}/logs/fetch.log",
    benchmark:
        "results/{person}/benchmarks/fetch.tsv"
    wildcard_constraints:
        person=one_of(PUBLISHED),
    conda:
        "../../envs/preprocess.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(DAY),
    shell:
        "l2l fetch {wildcards.person} 2>&1 | tee {log}"
