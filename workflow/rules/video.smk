# Any recording -> 30 frames per second and 16 kHz mono -> two faces.


rule normalise:
    input:
        source=source_video,
    output:
        video="results/{person}/videos/{video}/video.mp4",
        audio="results/{person}/videos/{video}/audio.wav",
        report="results/{person}/videos/{video}/probe.json",
    log:
        "results/{person}/logs/normalise/{video}.log",
    benchmark:
        "results/{person}/benchmarks/normalise/{video}.tsv"
    wildcard_constraints:
        person=one_of(BY_STEP),
    conda:
        "../../envs/preprocess.yaml"
    threads: 2
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        settings=settings("video"),
        part=part_of_recording,
        out=video_folder,
    shell:
        "l2l normalise {input.source:q} --out {params.out:q} {params.part} {params.settings} 2>&1 | tee {log:q}"


rule track:
    input:
        video="results/{person}/videos/{video}/video.mp4",
    output:
        tracks="results/{person}/videos/{video}/tracks.npz",
    log:
        "results/{person}/logs/track/{video}.log",
    benchmark:
        "results/{person}/benchmarks/track/{video}.tsv"
    wildcard_constraints:
        person=one_of(BY_STEP),
    conda:
        "../../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        settings=settings("tracking"),
    shell:
        "l2l track {input.video:q} --out {output.tracks:q} {params.settings} 2>&1 | tee {log:q}"
