"""The nets that the recipes train and prune.

The files are underscored so that none has the name of the function it defines.
"""

from tfprune.models._dcase2021 import dcase2021
from tfprune.models._log_mel import LogMel
from tfprune.models._mobilenet import mobilenet
from tfprune.models._resnet18 import resnet18
from tfprune.models._resnet50 import resnet50
from tfprune.models._spectrogram_image import SpectrogramImage, from_waveforms
from tfprune.models._vgg16 import vgg16
from tfprune.models._vggish import vggish

__all__ = [
    "LogMel",
    "SpectrogramImage",
    "dcase2021",
    "from_waveforms",
    "mobilenet",
    "resnet18",
    "resnet50",
    "vgg16",
    "vggish",
]
