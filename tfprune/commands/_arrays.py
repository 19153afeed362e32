"""Arrays that commands read from numpy's files."""

from typing import TYPE_CHECKING, Any

from tfprune.errors import DataError, FileError

if TYPE_CHECKING:
    import keras
    import numpy as np

LABELS = "y"


def read_arrays(path: str) -> "dict[str, np.ndarray]":
    """Reads the arrays of an `.npy` file (under the name "") or an `.npz` file.

    Raises:
        FileError: the file is missing or no numpy file of plain numbers.
        DataError: the arrays are empty, or of different lengths.
    """
    import numpy as np

    try:
        # Pickled objects are code; plain arrays need none.
        content = np.load(path, allow_pickle=False)
        arrays = {"": content} if isinstance(content, np.ndarray) else dict(content)
    except FileNotFoundError as error:
        raise FileError(f"expected typical inputs, found nothing at {path}") from error
    except (ValueError, OSError, EOFError) as error:
        raise FileError(
            f"expected arrays saved by numpy (.npy or .npz), but {path} cannot be read: {error}"
        ) from error
    lengths = {array.shape[0] if array.ndim else 0 for array in arrays.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise DataError(
            f"expected samples along the first axis, as many for each input, but {path} holds "
            f"arrays of shapes {[array.shape for array in arrays.values()]}"
        )
    return arrays


def by_input(
    arrays: "dict[str, np.ndarray]", model: "keras.Model"
) -> "dict[str, np.ndarray] | tuple[np.ndarray, ...]":
    """Returns the arrays by the names of the model's inputs, or else in their order."""
    return arrays if set(arrays) == {x.name for x in model.inputs} else tuple(arrays.values())


def inputs_and_labels(arrays: "dict[str, np.ndarray]", model: "keras.Model") -> Any:
    """Returns what criteria and repairs look at: inputs, and the labels where there are some.

    Args:
        arrays: one for each input, by the names of the inputs or in their order; labels under "y".
        model: takes the inputs.

    Raises:
        DataError: there are not as many arrays as inputs.
    """
    names = [tensor.name for tensor in model.inputs]
    given = {name: array for name, array in arrays.items() if name != LABELS or name in names}
    if len(given) != len(names):
        raise DataError(
            f"expected an array for each of the model's inputs ({', '.join(names)}) and labels "
            f"under the name {LABELS!r}, received arrays named {', '.join(map(repr, arrays))}"
        )
    found = by_input(given, model)
    inputs = found[0] if isinstance(found, tuple) and len(found) == 1 else found
    labelled = LABELS in arrays and LABELS not in given
    return (inputs, arrays[LABELS]) if labelled else inputs
