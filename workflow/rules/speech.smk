# Who speaks, what each of them says, and how it sounds.


rule diarize:
    input:
        video="results/{person}/videos/{video}/video.mp4",
        audio="results/{person}/videos/{video}/audio.wav",
        tracks="results/{person}/videos/{video}/tracks.npz",
    output:
        speaking="results/{person}/videos/{video}/speaking.npz",
        rttm="results/{person}/videos/{video}/speaking.rttm",
        report="results/{person}/videos/{video}/speaking.json",
    log:
        "results/{person}/logs/diarize/{video}.log",
    benchmark:
        "results/{person}/benchmarks/diarize/{video}.tsv"
    wildcard_constraints:
        person=one_of(BY_STEP),
    conda:
        "../../envs/preprocess.yaml"
    threads: backend_threads(1, "diarization")
    resources:
        mem_mb=of_backend("diarization", "mem_mb"),
        runtime=of_backend("diarization", "runtime"),
    params:
        settings=settings("diarization"),
        machine=machine("diarization"),
    shell:
        "l2l diarize --tracks {input.tracks:q} --audio {input.audio:q} --video {input.video:q}"
        " --out {output.speaking:q}"
        " {params.settings} {params.machine} 2>&1 | tee {log:q}"


rule separate:
    input:
        video="results/{person}/videos/{video}/video.mp4",
        audio="results/{person}/videos/{video}/audio.wav",
        tracks="results/{person}/videos/{video}/tracks.npz",
        speaking="results/{person}/videos/{video}/speaking.npz",
    output:
        left=passing("results/{person}/videos/{video}/speech_left.wav"),
        right=passing("results/{person}/videos/{video}/speech_right.wav"),
    log:
        "results/{person}/logs/separate/{video}.log",
    benchmark:
        "results/{person}/benchmarks/separate/{video}.tsv"
    wildcard_constraints:
        person=one_of(BY_STEP),
    conda:
        "../../envs/preprocess.yaml"
    threads: backend_threads(1, "separation")
    resources:
        mem_mb=of_backend("separation", "mem_mb"),
        runtime=of_backend("separation", "runtime"),
    params:
        settings=settings("separation"),
        machine=machine("separation"),
        out=video_folder,
    shell:
        "l2l separate --audio {input.audio:q} --speaking {input.speaking:q} --tracks {input.tracks:q}"
        " --video {input.video:q} --out {params.out:q}"
        " {params.settings} {params.machine} 2>&1 | tee {log:q}"


rule mel:
    input:
        left="results/{person}/videos/{video}/speech_left.wav",
        right="results/{person}/videos/{video}/speech_right.wav",
    output:
        left="results/{person}/videos/{video}/mel_left.npy",
        right="results/{person}/videos/{video}/mel_right.npy",
    log:
        "results/{person}/logs/mel/{video}.log",
    benchmark:
        "results/{person}/benchmarks/mel/{video}.tsv"
    wildcard_constraints:
        person=one_of(BY_STEP),
    conda:
        "../../envs/preprocess.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        settings=settings("mel"),
        folder=video_folder,
    shell:
        "l2l mel {params.folder:q} --out {params.folder:q} {params.settings} 2>&1 | tee {log:q}"
