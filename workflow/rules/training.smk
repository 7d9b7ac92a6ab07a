# Chunks -> codebook -> predictor; or the released pair, for people whose models are not trained here.


# What both models of architecture windows depend on.
OF_WINDOWS = ("windows.smoothing", "windows.statistics", "windows.holdout")
for model, before in (
    ("codebook", []),
    ("predictor", ["results/{person}/codebook.pt"]),
):

    rule:
        name:
            f"train_{model}"
        input:
            chunks=chunks("train"),
            codebook=before,
            conversations=conversations("train") if before else [],
        output:
            f"results/{{person}}/{model}.pt",
        log:
            f"results/{{person}}/logs/train_{model}.log",
        benchmark:
            f"results/{{person}}/benchmarks/train_{model}.tsv"
        wildcard_constraints:
            person=none_of(RELEASED),
        conda:
            "../../envs/models.yaml"
        threads: training_threads(model)
        resources:
            mem_mb=memory(8000),
            runtime=DAY,
            gpu=1,
        params:
            model=model,
            settings=settings("seed", "architecture", *OF_WINDOWS, model, f"windows.{model}"),
            machine=machine(model, f"windows.{model}"),
            listener=listener,
            chunks=chunks_folder,
            codebook=[f"--codebook {file}" for file in before],
            people=people_option if before else "",
            board=f"results/{{person}}/tensorboard/{model}",
            launch=launch,
        shell:
            "{params.launch} l2l train-{params.model} {params.chunks} {params.codebook} --listener {params.listener}"
            " {params.people} --log-dir {params.board} --out {output} {params.settings} {params.machine} 2>&1 | tee {log}"


rule import_released:
    input:
        models=released_files,
    output:
        codebook="results/{person}/codebook.pt",
        predictor="results/{person}/predictor.pt",
    log:
        "results/{person}/logs/import_released.log",
    benchmark:
        "results/{person}/benchmarks/import_released.tsv"
    wildcard_constraints:
        person=one_of(RELEASED),
    conda:
        "../../envs/models.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=minutes(240),
    params:
        folder=lambda wildcards, input: str(Path(input.models[0]).parent),
        listener=listener,
        out="results/{person}",
    shell:
        "l2l import-released {params.folder:q} --listener {params.listener} --out {params.out} 2>&1 | tee {log}"
