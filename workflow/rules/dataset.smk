# Recordings, arrays, other people or an archive -> windows of 64 frames in the published format. Recordings also become
# whole conversations, and so do several people of whom each has them.

RECORDED = none_of([*people_from("arrays", "people"), *PUBLISHED])  # whose recordings are preprocessed here
WHOLE = [name for name in people_from("people") if has_conversations(name)]
PARTLY = [name for name in people_from("people") if name not in WHOLE]
for name, people, files, options, sections, whole in (
    ("chunk", RECORDED, "results/{person}/preprocess.tsv", recordings_options, ["chunking"], True),
    ("chunk_arrays", one_of(people_from("arrays")), array_files, arrays_options, ["chunking"], False),
    ("gather", one_of(WHOLE), members_files, members_options, [], True),
    ("gather_windows", one_of(PARTLY), members_files, members_options, [], False),
):

    rule:
        name:
            name
        input:
            files,
        output:
            train=dataset_files("data/{person}", "train"),
            test=dataset_files("data/{person}", "test"),
            conversations=conversation_files("data/{person}") if whole else [],
        log:
            f"results/{{person}}/logs/{name}.log",
        benchmark:
            f"results/{{person}}/benchmarks/{name}.tsv"
        wildcard_constraints:
            person=people,
        conda:
            "../../envs/preprocess.yaml"
        resources:
            mem_mb=memory(4000),
            runtime=minutes(240),
        params:
            command=name.removesuffix("_windows").replace("_", "-"),
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
