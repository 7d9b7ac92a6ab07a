# A person's recordings -> tracks, speech, mel rows and faces. A job of a step takes a batch of recordings, one by default,
# and leaves a table of what became of each; a recording that fails is a row, never the end of the others.
localrules:
    split,
    preprocess_summary,  # they only read tables, and of tracks a few numbers


rule normalise:
    input:
        recordings=files_there,
        fetched=addresses,
    output:
        table="results/{person}/steps/normalise/{batch}.tsv",
    log:
        "results/{person}/logs/normalise/{batch}.log",
    benchmark:
        "results/{person}/benchmarks/normalise/{batch}.tsv"
    conda:
        "../../envs/preprocess.yaml"
    threads: 2
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
    params:
        table="results/{person}/recordings.tsv",
        settings=settings("video"),
        only=only_option,
        lines=lines,
        fetched=fetched_option,
        drop=drop_option,
        videos="results/{person}/videos",
    shell:
        "l2l normalise --table {params.table} {params.only} {params.fetched} --videos {params.videos} {params.drop}"
        " --out {output.table:q} {params.settings} 2>&1 | tee {log:q}"


# Each reads the table of the step before. The settings of all steps before it come along: what a step needs and was not
# kept is made again.
TRACK = ("video", "tracking", "chunking.min_tracked")
DIARIZE = (*TRACK, "diarization", "chunking.min_speech")
SEPARATE = (*DIARIZE, "separation")
# Speech that was dropped is made again by the job of mel, which then needs what separation needs.
AGAIN = None if CONFIG.keep_intermediates == "all" else "separation"
BASIS = "results/{person}/face_basis.npz"
for step, before, basis, backend, sections in (
    ("track", "normalise/{batch}", [], None, TRACK),
    ("diarize", "track/{batch}", [], "diarization", DIARIZE),
    ("separate", "diarize/{batch}", [], "separation", SEPARATE),
    ("mel", "separate/{batch}", [], AGAIN, (*SEPARATE, "mel")),
    ("faces", "split", [BASIS], "faces", ("video", "tracking", "faces")),
):

    rule:
        name:
            step
        input:
            table=f"results/{{person}}/steps/{before}.tsv",
            basis=basis,
        output:
            table=f"results/{{person}}/steps/{step}/{{batch}}.tsv",
        log:
            f"results/{{person}}/logs/{step}/{{batch}}.log",
        benchmark:
            f"results/{{person}}/benchmarks/{step}/{{batch}}.tsv"
        conda:
            "../../envs/preprocess.yaml"
        threads: backend_threads(backend)
        resources:
            mem_mb=memory(2000, backend),
            runtime=minutes(60, backend),
        params:
            # A param, for a command is put together when the job runs: the loop is at its end by then.
            step=step,
            settings=settings(*sections),
            machine=machine(*filter(None, [backend])),
            only=only_option if basis else "",
            basis=[f"--basis {file}" for file in basis],
            drop="" if basis else drop_option,
            videos="results/{person}/videos",
        shell:
            "l2l {params.step} --table {input.table:q} {params.only} --videos {params.videos} {params.basis} {params.drop}"
            " --out {output.table:q} {params.settings} {params.machine} 2>&1 | tee {log:q}"


rule split:
    input:
        tables=tables("diarize"),
    output:
        table="results/{person}/steps/split.tsv",
    log:
        "results/{person}/logs/split.log",
    benchmark:
        "results/{person}/benchmarks/split.tsv"
    conda:
        "../../envs/preprocess.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(30),
    params:
        move=move_option,
        results="results/{person}",
    shell:
        "l2l split {input.tables:q} {params.move} --summary {params.results}/preprocess.tsv --out {output.table} 2>&1 | tee {log}"


rule fit_faces:
    input:
        table="results/{person}/steps/split.tsv",
    output:
        basis="results/{person}/face_basis.npz",
    log:
        "results/{person}/logs/fit_faces.log",
    benchmark:
        "results/{person}/benchmarks/fit_faces.tsv"
    conda:
        "../../envs/preprocess.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(120),
    params:
        settings=settings("faces"),
        machine=machine("faces"),
        videos="results/{person}/videos",
    shell:
        "l2l fit-faces --table {input.table} --videos {params.videos} --out {output.basis} {params.settings} {params.machine}"
        " 2>&1 | tee {log}"


rule preprocess_summary:
    input:
        tables=tables("mel", "faces"),
    output:
        table="results/{person}/preprocess.tsv",
    log:
        "results/{person}/logs/preprocess_summary.log",
    benchmark:
        "results/{person}/benchmarks/preprocess_summary.tsv"
    conda:
        "../../envs/preprocess.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(30),
    params:
        videos="results/{person}/videos",
        listener=listener,
    shell:
        "l2l preprocess-summary {input.tables:q} --videos {params.videos} --listener {params.listener} --out {output.table}"
        " 2>&1 | tee {log}"
