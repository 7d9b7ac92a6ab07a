# Test windows + both models -> several futures of the listener.

drawing_machine = machine("sampling", "predictor.training.device", "windows.predictor.training.device")


rule sample:
    input:
        chunks=test_chunks,
        codebook="results/{person}/codebook.pt",
        predictor="results/{person}/predictor.pt",
    output:
        samples="results/{person}/samples.npz",
    log:
        "results/{person}/logs/sample.log",
    benchmark:
        "results/{person}/benchmarks/sample.tsv"
    conda:
        "../../envs/models.yaml"
    resources:
        mem_mb=memory(8000),
        runtime=minutes(240),
        gpu=1,
    params:
        settings=settings("seed", "sampling"),
        machine=drawing_machine,
        listener=listener,
        chunks=chunks_folder,
    shell:
        "l2l sample {params.chunks} --codebook {input.codebook} --predictor {input.predictor}"
        " --listener {params.listener} --out {output.samples} {params.settings} {params.machine} 2>&1 | tee {log}"
