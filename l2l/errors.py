"""The one error a user may meet: a sentence that names the file or key, what is wrong, and what to do next."""


class UserError(Exception):
    """Raised for bad input or settings; the command line prints it as one sentence, without a traceback."""

    status = 1  # what the command line exits with


class Stopped(UserError):
    """A step was told to stop before its end, and left what the same command needs to go on."""

    status = 75  # EX_TEMPFAIL of sysexits.h: nothing is wrong, run it again
