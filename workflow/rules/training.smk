# Chunks -> codebook -> predictor.


rule train_codebook:
    input:
        chunks=chunk_files("train"),
    output:
        codebook="results/{person}/codebook.pt",
    log:
        "results/{person}/logs/train_codebook.log",
    benchmark:
        "results/{person}/benchmarks/train_codebook.tsv"
    conda:
        "../../envs/models.yaml"
    threads: training_threads("codebook")
    resources:
        mem_mb=8000,
        runtime=1440,
        gpu=1,
    params:
        settings=settings("seed", "windows", "codebook"),
        listener=listener,
        chunks=chunks_folder,
        board=tensorboard_folder("codebook"),
    shell:
        "l2l train-codebook {params.chunks} --listener {params.listener} --log-dir {params.board}"
        " --out {output.codebook} {params.settings} 2>&1 | tee {log}"


rule train_predictor:
    input:
        chunks=chunk_files("train"),
        codebook="results/{person}/codebook.pt",
    output:
        predictor="results/{person}/predictor.pt",
    log:
        "results/{person}/logs/train_predictor.log",
    benchmark:
        "results/{person}/benchmarks/train_predictor.tsv"
    conda:
        "../../envs/models.yaml"
    threads: training_threads("predictor")
    resources:
        mem_mb=8000,
        runtime=1440,
        gpu=1,
    params:
        settings=settings("seed", "windows", "predictor"),
        listener=listener,
        chunks=chunks_folder,
        board=tensorboard_folder("predictor"),
    shell:
        "l2l train-predictor {params.chunks} --codebook {input.codebook} --listener {params.listener}"
        " --log-dir {params.board} --out {output.predictor} {params.settings} 2>&1 | tee {log}"
