# Chunks -> codebook -> predictor; or the released pair, for people whose models are not trained here.

# What both models of architecture windows depend on.
OF_WINDOWS = ("windows.smoothing", "windows.statistics", "windows.holdout")


rule train_codebook:
    input:
        chunks=chunks("train"),
    output:
        codebook="results/{person}/codebook.pt",
    log:
        "results/{person}/logs/train_codebook.log",
    benchmark:
        "results/{person}/benchmarks/train_codebook.tsv"
    wildcard_constraints:
        person=none_of(RELEASED),
    conda:
        "../../envs/models.yaml"
    threads: training_threads("codebook")
    resources:
        mem_mb=memory(8000),
        runtime=DAY,
        gpu=1,
    params:
        settings=settings(
            "seed", "architecture", *OF_WINDOWS, "codebook", "windows.codebook"
        ),
        machine=machine("codebook", "windows.codebook"),
        listener=listener,
        chunks=chunks_folder,
        board=tensorboard_folder("codebook"),
        launch=launch,
    shell:
        "{params.launch} l2l train-codebook {params.chunks} --listener {params.listener} --log-dir {params.board}"
        " --out {output.codebook} {params.settings} {params.machine} 2>&1 | tee {log}"


rule train_predictor:
    input:
        chunks=chunks("train"),
        codebook="results/{person}/codebook.pt",
    output:
        predictor="results/{person}/predictor.pt",
    log:
        "results/{person}/logs/train_predictor.log",
    benchmark:
        "results/{person}/benchmarks/train_predictor.tsv"
    wildcard_constraints:
        person=none_of(RELEASED),
    conda:
        "../../envs/models.yaml"
    threads: training_threads("predictor")
    resources:
        mem_mb=memory(8000),
        runtime=DAY,
        gpu=1,
    params:
        settings=settings(
            "seed", "architecture", *OF_WINDOWS, "predictor", "windows.predictor"
        ),
        machine=machine("predictor", "windows.predictor"),
        listener=listener,
        chunks=chunks_folder,
        people=people_option,
        board=tensorboard_folder("predictor"),
        launch=launch,
    shell:
        "{params.launch} l2l train-predictor {params.chunks} --codebook {input.codebook} --listener {params.listener}"
        " {params.people} --log-dir {params.board} --out {output.predictor} {params.settings} {params.machine} 2>&1 | tee {log}"


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
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(240),
    params:
        folder=models_folder,
        listener=listener,
        out=results_folder,
    shell:
        "l2l import-released {params.folder:q} --listener {params.listener} --out {params.out} 2>&1 | tee {log}"
