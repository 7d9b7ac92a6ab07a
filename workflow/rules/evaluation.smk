# Samples + truth + baselines + the model asked again -> one file of numbers.


rule evaluate:
    input:
        train=chunks("train"),
        test=test_chunks,
        samples="results/{person}/samples.npz",
        codebook="results/{person}/codebook.pt",
        predictor="results/{person}/predictor.pt",
        basis=basis_file,
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
        chunks=chunks_folder,
    shell:
        "l2l evaluate {params.chunks} --samples {input.samples} --codebook {input.codebook}"
        " --predictor {input.predictor} {params.basis} --listener {params.listener} --out {output.eval}"
        " {params.settings} {params.machine} 2>&1 | tee {log}"
