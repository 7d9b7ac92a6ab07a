# The generated conversation: nothing to download.


rule demo_video:
    output:
        video="data/raw/{person}/demo_{index}.mp4",
        truth="data/raw/{person}/demo_{index}.truth.npz",
    log:
        "results/{person}/logs/demo_video/{index}.log",
    benchmark:
        "results/{person}/benchmarks/demo_video/{index}.tsv"
    conda:
        "../../envs/demo.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
    params:
        settings=settings("seed", "demo"),
        out="data/raw/{person}",
        index=lambda wildcards: int(wildcards.index),
    shell:
        "l2l demo-video {params.out} --only {params.index} {params.settings} 2>&1 | tee {log}"


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
