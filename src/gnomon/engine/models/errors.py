"""What can go wrong before a model can be loaded.

GnomonError
├── ModelNotFound     404  neither the packages nor the given path hold a model
├── ModelCorrupt      400  the bytes are not the ones we know
├── LibrariesMissing  425  torch, transformers or gguf are not installed
└── DiskTooSmall      503  the converted model would not fit
"""

from gnomon.kit.errors import BadInput, NotFound, NotReady, Unavailable


class ModelNotFound(NotFound):
    code = "model_not_found"


class ModelCorrupt(BadInput):
    code = "model_corrupt"


class LibrariesMissing(NotReady):
    code = "training_libraries_missing"


class DiskTooSmall(Unavailable):
    code = "disk_too_small"
