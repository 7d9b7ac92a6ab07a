"""The one error a user may meet: a sentence that names the file or key, what is wrong, and what to do next."""


class UserError(Exception):
    """Raised for bad input or settings; the command line prints it as one sentence, without a traceback."""
