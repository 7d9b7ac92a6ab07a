# Many recordings: each job takes several from video to mel in one process, and goes on when one of them fails.


rule preprocess:
    input:
        recordings=lambda wildcards: [source_file(r) for r in batch(wildcards)],
    output:
        table="results/{person}/batches/preprocess_{batch}.tsv",
    log:
        "results/{person}/logs/preprocess/{batch}.log",
    benchmark:
        "results/{person}/benchmarks/preprocess/{batch}.tsv"
    wildcard_constraints:
        person=one_of(BATCHED),
    conda:
        "../../envs/preprocess.yaml"
    threads: backend_threads(2, "diarization", "separation")
    resources:
        mem_mb=of_backends("mem_mb", 2000, "diarization", "separation"),
        runtime=of_backends("runtime", 720, "diarization", "separation"),
    params:
        settings=settings(
            *("video", "tracking", "diarization", "separation", "mel"),
            *("chunking.min_tracked", "chunking.min_speech", "chunking.test_share"),
        ),
        machine=machine("diarization", "separation"),
        recordings=batch_options,
        lines=batch_lines,
        fetched=fetched_option,
        keep=keep_option,
        out=videos_folder,
    shell:
        "l2l preprocess {params.recordings} {params.fetched} {params.keep} --out {params.out} --table {output.table}"
        " {params.settings} {params.machine} 2>&1 | tee {log}"


rule preprocess_basis:
    input:
        tables=batch_tables("preprocess"),
    output:
        basis="results/{person}/face_basis.npz",
    log:
        "results/{person}/logs/preprocess_basis.log",
    benchmark:
        "results/{person}/benchmarks/preprocess_basis.tsv"
    wildcard_constraints:
        person=one_of(BATCHED),
    conda:
        "../../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        settings=settings("faces"),
        machine=machine("faces"),
        videos=videos_folder,
    shell:
        "l2l preprocess-basis {input.tables} --videos {params.videos} --out {output.basis}"
        " {params.settings} {params.machine} 2>&1 | tee {log}"


rule preprocess_faces:
    input:
        table="results/{person}/batches/preprocess_{batch}.tsv",
        basis="results/{person}/face_basis.npz",
    output:
        table="results/{person}/batches/faces_{batch}.tsv",
    log:
        "results/{person}/logs/preprocess_faces/{batch}.log",
    benchmark:
        "results/{person}/benchmarks/preprocess_faces/{batch}.tsv"
    wildcard_constraints:
        person=one_of(BATCHED),
    conda:
        "../../envs/preprocess.yaml"
    threads: backend_threads(1, "faces")
    resources:
        mem_mb=of_backend("faces", "mem_mb"),
        runtime=of_backend("faces", "runtime", times=4),
    params:
        settings=settings("tracking.bridge", "faces"),
        machine=machine("faces"),
        videos=videos_folder,
    shell:
        "l2l preprocess-faces {input.table} --videos {params.videos} --basis {input.basis}"
        " --out {output.table} {params.settings} {params.machine} 2>&1 | tee {log}"


rule preprocess_summary:
    input:
        tables=batch_tables("faces"),
    output:
        table="results/{person}/preprocess.tsv",
        page="results/{person}/preprocess.html",
    log:
        "results/{person}/logs/preprocess_summary.log",
    benchmark:
        "results/{person}/benchmarks/preprocess_summary.tsv"
    wildcard_constraints:
        person=one_of(BATCHED),
    conda:
        "../../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=30,
    shell:
        "l2l preprocess-summary {input.tables} --out {output.table} 2>&1 | tee {log}"


rule preprocess_chunk:
    input:
        table="results/{person}/preprocess.tsv",
    output:
        train=chunk_files("train"),
        test=chunk_files("test"),
    log:
        "results/{person}/logs/preprocess_chunk.log",
    benchmark:
        "results/{person}/benchmarks/preprocess_chunk.tsv"
    wildcard_constraints:
        person=one_of(BATCHED),
    conda:
        "../../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        settings=settings("chunking"),
        listener=listener,
        videos=videos_folder,
        out=chunks_folder,
    shell:
        "l2l preprocess-chunk {input.table} --videos {params.videos} --listener {params.listener}"
        " --out {params.out} {params.settings} 2>&1 | tee {log}"
