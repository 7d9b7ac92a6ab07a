# The generated conversation: nothing to download.


# A rule for each job: a rule's outputs are fixed, and here they are the recordings of one batch.
for person in people_from("demo"):
    for job, recordings in FOUND.films(person).items():

        rule:
            name:
                f"demo_video_{person}_{job}"
            output:
                videos=[f"data/raw/{{person}}/{recording.name}.mp4" for recording in recordings],
                truths=[f"data/raw/{{person}}/{recording.name}.truth.npz" for recording in recordings],
            log:
                f"results/{{person}}/logs/demo_video/{job}.log",
            benchmark:
                f"results/{{person}}/benchmarks/demo_video/{job}.tsv"
            wildcard_constraints:
                person=one_of([person]),
            conda:
                "../../envs/demo.yaml"
            resources:
                mem_mb=memory(2000),
                runtime=minutes(60),
            params:
                settings=settings("seed", "demo"),
                out="data/raw/{person}",
                only=[int(recording.name.removeprefix("demo_")) for recording in recordings],
            shell:
                "l2l demo-video {params.out} --only {params.only} {params.settings} 2>&1 | tee {log}"


rule accuracy:
    input:
        truth=truth_files,
        table="results/{person}/preprocess.tsv",
    output:
        accuracy="results/{person}/accuracy.json",
    log:
        "results/{person}/logs/accuracy.log",
    benchmark:
        "results/{person}/benchmarks/accuracy.tsv"
    conda:
        "../../envs/preprocess.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
    params:
        truth="data/raw/{person}",
        videos="results/{person}/videos",
    shell:
        "l2l accuracy {params.truth} --videos {params.videos} --out {output.accuracy} 2>&1 | tee {log}"
