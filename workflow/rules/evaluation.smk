# Samples + truth + baselines + the model asked again -> one file of numbers.

OF_MODELS = (*OF_WINDOWS, "codebook", "predictor", "windows.codebook", "windows.predictor")
OF_SHIFTS = ("evaluation.shifts", "evaluation.shift_seconds")


# Where few recordings are for testing: all are divided anew, and other models are trained and asked about each part.
rule fold:
    input:
        train=chunks("train"),
        test=test_chunks,
        conversations=conversations(),
    output:
        fold="results/{person}/folds/{fold}.npz",
    log:
        "results/{person}/logs/fold/{fold}.log",
    benchmark:
        "results/{person}/benchmarks/fold/{fold}.tsv"
    wildcard_constraints:
        fold=r"\d+",
    conda:
        "../../envs/models.yaml"
    resources:
        mem_mb=memory(8000),
        runtime=DAY,
        gpu=1,
    params:
        of=lambda wildcards: ask(FOUND.folds, wildcards.person),
        settings=settings("seed", "architecture", *OF_MODELS, "sampling.past", *OF_SHIFTS),
        machine=machine("codebook", "predictor", "windows.codebook", "windows.predictor"),
        listener=listener,
        people=people_option,
        chunks=chunks_folder,
    shell:
        "l2l fold {params.chunks} --fold {wildcards.fold} --of {params.of} --listener {params.listener} {params.people}"
        " --out {output.fold} {params.settings} {params.machine} 2>&1 | tee {log}"


rule evaluate:
    input:
        train=chunks("train"),
        test=test_chunks,
        conversations=conversations("test"),
        samples="results/{person}/samples.npz",
        codebook="results/{person}/codebook.pt",
        predictor="results/{person}/predictor.pt",
        basis=basis_file,
        folds=fold_files,
    output:
        eval="results/{person}/eval.json",
    log:
        "results/{person}/logs/evaluate.log",
    benchmark:
        "results/{person}/benchmarks/evaluate.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 2
    resources:
        mem_mb=memory(4000),
        runtime=minutes(240),
    params:
        settings=settings("seed", "sampling", "evaluation"),
        machine=drawing_machine,
        listener=listener,
        basis=basis_option,
        folds=folds_option,
        chunks=chunks_folder,
    shell:
        "l2l evaluate {params.chunks} --samples {input.samples} --codebook {input.codebook}"
        " --predictor {input.predictor} {params.basis} {params.folds} --listener {params.listener} --out {output.eval}"
        " {params.settings} {params.machine} 2>&1 | tee {log}"
