"""The clone with fewer channels, and the proof that it is right."""

from tfprune.surgery.prune import prune as prune
from tfprune.surgery.rebuild import rebuild as rebuild
from tfprune.surgery.verify import verify as verify
