"""Torch-Pruning on MLPerf's ResNet8 with given weights; runs in an environment of its own.

The first line names a file of weights and images. Then it reads one request a line,
{"criterion": "l2", "ratio": 0.5, "scope": "layer"}, and answers each with one line of JSON: by
convolution the filters that stay, and the convolutions that stand first in their groups. Run by
`benchmarks/resnet8_peers.py`.
"""

import copy
import json
import sys
import warnings
from importlib.metadata import version

import numpy as np
import torch
import torch_pruning
from torch import nn
from torch.nn import functional

# The convolution that each batch norm stands behind; the 1x1 shortcuts have none of their own.
NORMS = {0: "conv2d", 1: "conv2d_1", 2: "conv2d_2", 3: "conv2d_3", 4: "conv2d_4", 5: "conv2d_6"}
NORMS[6] = "conv2d_7"
CONVOLUTIONS = {
    # name: (filters read, filters, kernel, stride)
    "conv2d": (3, 16, 3, 1),
    "conv2d_1": (16, 16, 3, 1),
    "conv2d_2": (16, 16, 3, 1),
    "conv2d_3": (16, 32, 3, 2),
    "conv2d_4": (32, 32, 3, 1),
    "conv2d_5": (16, 32, 1, 2),
    "conv2d_6": (32, 64, 3, 2),
    "conv2d_7": (64, 64, 3, 1),
    "conv2d_8": (32, 64, 1, 2),
}


class ResNet8(nn.Module):
    """Three blocks of two convolutions, as the Keras net of the benchmark."""

    def __init__(self):
        super().__init__()
        self.convolutions = nn.ModuleDict(
            {name: nn.Conv2d(a, b, k, s) for name, (a, b, k, s) in CONVOLUTIONS.items()}
        )
        self.norms = nn.ModuleDict(
            {name: nn.BatchNorm2d(CONVOLUTIONS[name][1], eps=1e-3) for name in NORMS.values()}
        )
        self.dense = nn.Linear(64, 10)

    def forward(self, x):
        """Logits (batch, 10) of images (batch, 3, 32, 32)."""
        x = torch.relu(self._convolve("conv2d", x))
        x = self._block(x, "conv2d_1", "conv2d_2")
        x = self._block(x, "conv2d_3", "conv2d_4", "conv2d_5")
        x = self._block(x, "conv2d_6", "conv2d_7", "conv2d_8")
        return self.dense(x.mean(dim=(2, 3)))

    def _block(self, x, first, second, shortcut=None):
        y = self._convolve(second, torch.relu(self._convolve(first, x)))
        return torch.relu(y + (self._convolve(shortcut, x) if shortcut else x))

    def _convolve(self, name, x):
        layer = self.convolutions[name]
        if layer.kernel_size[0] == 3:  # "same" as Keras pads it: with stride 2 only at the end
            before = 2 - layer.stride[0]
            x = functional.pad(x, (before, 1, before, 1))
        y = layer(x)
        return self.norms[name](y) if name in self.norms else y


def load(weights):
    model = ResNet8()
    state = {}
    for name in CONVOLUTIONS:
        state[f"convolutions.{name}.weight"] = weights[f"{name}/kernel"].transpose(3, 2, 0, 1)
        state[f"convolutions.{name}.bias"] = weights[f"{name}/bias"]
    for number, name in NORMS.items():
        norm = f"batch_normalization_{number}" if number else "batch_normalization"
        pairs = ("weight", "gamma"), ("bias", "beta")
        pairs += (("running_mean", "moving_mean"), ("running_var", "moving_variance"))
        for ours, theirs in pairs:
            state[f"norms.{name}.{ours}"] = weights[f"{norm}/{theirs}"]
    state["dense.weight"], state["dense.bias"] = weights["dense/kernel"].T, weights["dense/bias"]
    tensors = {name: torch.tensor(np.ascontiguousarray(value)) for name, value in state.items()}
    model.load_state_dict(tensors, strict=False)
    return model.eval()


def importance(criterion, model, images, labels):
    """Their importance; for Taylor's the gradients of the mean loss are laid into the model."""
    if criterion == "l2":
        return torch_pruning.importance.MagnitudeImportance(p=2)
    if criterion == "l2, first":
        return torch_pruning.importance.MagnitudeImportance(
            p=2, group_reduction="first", normalizer=None
        )
    functional.cross_entropy(model(images), labels).backward()
    return torch_pruning.importance.TaylorImportance()


def prune(original, request, images, labels):
    model = copy.deepcopy(original)
    judge = importance(request["criterion"], model, images, labels)
    pruner = torch_pruning.pruner.BasePruner(
        model,
        images[:1],
        importance=judge,
        pruning_ratio=request["ratio"],
        global_pruning=request["scope"] == "global",
        ignored_layers=[model.dense],
        in_channel_groups={},  # the defaults are shared by all pruners of a process
        out_channel_groups={},
    )
    first = roots(model, pruner)
    pruner.step()
    return model, first


def roots(model, pruner):
    """Of each group the convolution that Torch-Pruning takes for the first."""
    names = {layer: name for name, layer in model.convolutions.items()}
    groups = pruner.DG.get_all_groups(pruner.ignored_layers, pruner.root_module_types)
    return [names[group[0].dep.target.module] for group in groups]


def kept(original, pruned):
    """The filters that stay, known by their batch norm's means, which are all different."""
    found = {}
    for name, norm in original.norms.items():
        before, after = norm.running_mean.tolist(), pruned.norms[name].running_mean.tolist()
        if len(set(before)) != len(before):
            raise ValueError(f"cannot tell the filters of {name} apart")
        found[name] = [before.index(value) for value in after]
    return found


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with np.load(sys.stdin.readline().strip()) as file:
        weights = dict(file)
    images = torch.tensor(weights.pop("images").transpose(0, 3, 1, 2))
    labels = torch.tensor(weights.pop("labels"))
    original = load(weights)
    with torch.no_grad():
        answers = functional.softmax(original(images[:64]), dim=1).tolist()
    versions = {name: version(name) for name in ("torch", "torch-pruning", "numpy")}
    print(json.dumps({"versions": versions, "answers": answers}), flush=True)
    for line in sys.stdin:
        pruned, first = prune(original, json.loads(line), images, labels)
        with torch.no_grad():
            answers = functional.softmax(pruned(images[:64]), dim=1).tolist()
        answer = {"kept": kept(original, pruned), "roots": first, "answers": answers}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
