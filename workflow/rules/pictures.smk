# What was measured and what was sampled, to look at.


rule report:
    input:
        eval="results/{person}/eval.json",
        samples="results/{person}/samples.npz",
        models=["results/{person}/codebook.pt", "results/{person}/predictor.pt"],
        chunks=chunks(),
        summary=summary,
        basis=basis_file,
    output:
        page=report("results/{person}/report.html", caption="../captions/report.rst", category="{person}"),
    log:
        "results/{person}/logs/report.log",
    benchmark:
        "results/{person}/benchmarks/report.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        settings=settings(*EVERYTHING),
        listener=listener,
        results=lambda wildcards, input: str(Path(input.eval).parent),
        chunks=chunks_folder,
    shell:
        "l2l report {params.results} --chunks {params.chunks} --listener {params.listener} --out {output.page}"
        " {params.settings} 2>&1 | tee {log}"


rule preview:
    input:
        table="results/{person}/preprocess.tsv",
        chunks=test_chunks,
        samples="results/{person}/samples.npz",
        basis="results/{person}/face_basis.npz",
    output:
        preview=report("results/{person}/preview.mp4", caption="../captions/preview.rst", category="{person}"),
    log:
        "results/{person}/logs/preview.log",
    benchmark:
        "results/{person}/benchmarks/preview.tsv"
    conda:
        "../../envs/preprocess.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
    params:
        settings=settings("preview"),
        listener=listener,
        videos="results/{person}/videos",
        chunks=chunks_folder,
    shell:
        "l2l preview {params.videos} --chunks {params.chunks} --samples {input.samples} --basis {input.basis}"
        " --listener {params.listener} --table {input.table} --out {output.preview} {params.settings} 2>&1 | tee {log}"
