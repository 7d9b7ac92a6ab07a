# Recordings, arrays, other people or an archive -> windows of 64 frames in the published format. Recordings also become
# whole conversations.

RECORDED = none_of([*people_from("arrays", "people"), *PUBLISHED])  # whose recordings are preprocessed here
for command, people, files, options, sections in (
    ("chunk", RECORDED, "results/{person}/preprocess.tsv", recordings_options, ["chunking"]),
    ("chunk_arrays", one_of(people_from("arrays")), array_files, arrays_options, ["chunking"]),
    ("gather", one_of(people_from("people")), members_chunks, members_options, []),
):

    rule:
        name:
            command
        input:
            files,
        output:
            train=dataset_files("data/{person}", "train"),
            test=dataset_files("data/{person}", "test"),
            conversations=conversation_files("data/{person}") if command == "chunk" else [],
        log:
            f"results/{{person}}/logs/{command}.log",
        benchmark:
            f"results/{{person}}/benchmarks/{command}.tsv"
        wildcard_constraints:
            person=people,
        conda:
            "../../envs/preprocess.yaml"
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
        params:
            command=command.replace("_", "-"),
            options=options,
            settings=settings(*sections),
            out=chunks_folder,
        shell:
            "l2l {params.command} {params.options} --out {params.out} {params.settings} 2>&1 | tee {log}"


# update: what is there already is never deleted for being made again; the archive may be gone by then.
rule fetch:
    input:
        published_data,
    output:
        train=update(dataset_files("data/{person}", "train")),
        test=update(dataset_files("data/{person}", "test")),
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
