"""The one exception for bad input."""


class InputError(ValueError):
    """Something the user gave is wrong. The message names the file, the value and the remedy.

    The command line prints it without a traceback and exits with status 2.
    """
