# Tracks -> faces: one expression basis for a person's recordings, then every recording.


rule fit_faces:
    input:
        tracks=per_video("tracks.npz", "train"),
    output:
        basis="results/{person}/face_basis.npz",
    log:
        "results/{person}/logs/fit_faces.log",
    benchmark:
        "results/{person}/benchmarks/fit_faces.tsv"
    wildcard_constraints:
        person=one_of(BY_STEP),
    conda:
        "../../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        settings=settings("faces"),
        machine=machine("faces"),
    shell:
        "l2l fit-faces {input.tracks:q} --out {output.basis} {params.settings} {params.machine} 2>&1 | tee {log}"


rule faces:
    input:
        video="results/{person}/videos/{video}/video.mp4",
        tracks="results/{person}/videos/{video}/tracks.npz",
        basis="results/{person}/face_basis.npz",
    output:
        left="results/{person}/videos/{video}/faces_left.npz",
        right="results/{person}/videos/{video}/faces_right.npz",
    log:
        "results/{person}/logs/faces/{video}.log",
    benchmark:
        "results/{person}/benchmarks/faces/{video}.tsv"
    wildcard_constraints:
        person=one_of(BY_STEP),
    conda:
        "../../envs/preprocess.yaml"
    threads: backend_threads(1, "faces")
    resources:
        mem_mb=of_backend("faces", "mem_mb"),
        runtime=of_backend("faces", "runtime"),
    params:
        settings=settings("tracking.bridge", "faces"),
        machine=machine("faces"),
        out=video_folder,
    shell:
        "l2l faces {input.tracks:q} --video {input.video:q} --basis {input.basis} --out {params.out:q}"
        " {params.settings} {params.machine} 2>&1 | tee {log:q}"
