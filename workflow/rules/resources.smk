# What a job asks for: threads, memory, time, and what starts a training in several processes. A job that is tried again
# gets more (`attempt`).

DAY = 1440  # minutes; a longer job is cut off, and goes on where it was


def backend_of(wildcards, step):
    return getattr(CONFIG.settings(wildcards.person), step).backend


def memory(least, step=None):
    """MB of a job: `least`, or what the chosen backend of a step needs."""

    def mb(wildcards, attempt):
        needs = (
            backends.BACKENDS[step][backend_of(wildcards, step)].mem_mb if step else 0
        )
        return max(least, needs) * attempt

    return mb


def minutes(least, step=None):
    """Minutes of a job: `least`, or what the chosen backend of a step needs, for each recording of a batch."""

    def time(wildcards, attempt):
        needs = (
            backends.BACKENDS[step][backend_of(wildcards, step)].runtime if step else 0
        )
        count = len(batch(wildcards)) if "batch" in wildcards.keys() else 1
        return min(max(least, needs) * count * attempt, DAY)

    return time


def backend_threads(least, step=None):
    """Threads of a job: what the chosen backend is set to use, or `least`."""

    def threads(wildcards):
        if not step:
            return least
        chosen = getattr(CONFIG.settings(wildcards.person), step)
        wanted = getattr(getattr(chosen, chosen.backend, None), "threads", least)
        return max(least, wanted or workflow.cores or 1)

    return threads


def training_threads(section):
    """Threads of a training rule: as many as the setting says, else all cores it can get."""

    def threads(wildcards):
        chosen = CONFIG.settings(wildcards.person)
        models = architectures.model_settings(chosen)
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
