# What a job asks for: memory, time, threads, and what starts a training in several processes. A job that is tried again
# gets more (`attempt`).

DAY = 1440  # minutes; a longer job is cut off, and goes on where it was


def chosen_backend(wildcards, step):
    """The backend of a step and its own settings; nothing for other steps."""
    if not step:
        return backends.Backend("", "", mem_mb=0, runtime=0), None
    section = getattr(CONFIG.settings(wildcards.person), step)
    return backends.BACKENDS[step][section.backend], getattr(section, section.backend, None)


def memory(least, step=None):
    """MB of a job: `least`, or what the chosen backend of a step needs."""
    return lambda wildcards, attempt: max(least, chosen_backend(wildcards, step)[0].mem_mb) * attempt


def minutes(least, step=None):
    """Minutes of a job: `least`, or what the chosen backend of a step needs, for each recording of a batch."""

    def time(wildcards, attempt):
        count = len(batch(wildcards)) if "batch" in wildcards.keys() else 1
        return min(max(least, chosen_backend(wildcards, step)[0].runtime) * count * attempt, DAY)

    return time


def backend_threads(step):
    """Threads of a job: what the chosen backend of a step is set to use (0: all it can get), else one."""
    return lambda wildcards: getattr(chosen_backend(wildcards, step)[1], "threads", 1) or workflow.cores or 1


def training_threads(section):
    """Threads of a training rule: as many as the setting says, else all cores it can get."""

    def threads(wildcards):
        models = architectures.model_settings(CONFIG.settings(wildcards.person))
        return getattr(models, section).training.threads or workflow.cores or 1

    return threads


def launch(wildcards, threads, resources):
    """What starts a training in several processes: srun, when the job's resources name it (docs/cluster.md)."""
    if not resources.get("mpi"):
        return ""
    nodes = resources.get("nodes", 1)
    count = f"--nodes={nodes} --ntasks={resources.tasks} --ntasks-per-node={resources.tasks // nodes}"
    # What the job's batch script knows of its cores does not reach a rule.
    return f"{resources.mpi} {count} --cpus-per-task={threads} --kill-on-bad-exit"
