"""separate, backend `multisensory`: each person's voice by the network of Owens & Efros (2018), as in the paper."""

from l2l.speech.multisensory.separation import separate as separate
