"""The errors tfprune raises: each says what was expected, what was received and what to do."""


class TfpruneError(Exception):
    """Base of every error raised on purpose; the command line prints it as one line."""


class ModelError(TfpruneError, ValueError):
    """The model cannot be traced, pruned or measured as it is."""


class PlanError(TfpruneError, ValueError):
    """A pruning plan is impossible, damaged, or was made for another model."""


class DataError(TfpruneError, ValueError):
    """A data set is missing, damaged, empty or of the wrong form."""


class ConversionError(TfpruneError, RuntimeError):
    """A converter could not make a file that computes what the Keras model computes."""


class FileError(TfpruneError, OSError):
    """A file cannot be read, cannot be written, or is not what it should be."""


class WorkerError(TfpruneError, RuntimeError):
    """One of several processes that work together is gone: the others cannot go on."""


class MissingExtraError(TfpruneError, ImportError):
    """An optional package is needed; the message holds the pip line to type."""


class DeviceError(TfpruneError, RuntimeError):
    """A device cannot be reached, refuses, or lacks what timing on it needs."""
