"""What stands behind a chain's encoder: pooling sees no padding, and each layer is its own formula."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from attribution.errors import ModelError
from attribution.rerankers.families.chain import POOLING, layer_of, pooled_positions

MASKS = [[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 1], [0, 1, 1, 0]]


@pytest.mark.parametrize("name", POOLING)
def test_pooling_sees_no_padding_on_either_side(name: str) -> None:
    """Row by row on the real states alone; they are all below zero, as no padding is."""
    states = torch.randn(len(MASKS), 4, 3, generator=torch.Generator().manual_seed(0)).abs().neg()
    mask = torch.tensor(MASKS)
    padded = torch.where(mask[:, :, None] == 1, states, torch.tensor(5.0))
    pools: dict[str, Callable[[Tensor], Tensor]] = {
        "cls": lambda real: real[0],
        "mean": lambda real: real.sum(0) / len(real),
        "max": lambda real: real.max(0).values,
        "lasttoken": lambda real: real[-1],
    }
    expected = torch.stack([pools[name](row[kept == 1]) for row, kept in zip(states, mask, strict=True)])
    assert torch.allclose(POOLING[name](padded, mask), expected)


def test_only_a_mean_or_a_maximum_reads_every_position() -> None:
    inputs = {"input_ids": torch.zeros(1, 5)}
    for poolings, read in ((["cls"], [0]), (["lasttoken"], [4]), (["lasttoken", "cls"], [0, 4])):
        assert pooled_positions(SimpleNamespace(poolings=poolings), inputs) == read
    for pooling in POOLING.keys() - {"cls", "lasttoken"}:
        assert pooled_positions(SimpleNamespace(poolings=["cls", pooling]), inputs) == [0, 1, 2, 3, 4]


def saved(folder: Path, **weights: Tensor) -> Path:
    save_file({name.replace("__", "."): value.half() for name, value in weights.items()}, folder / "model.safetensors")
    return folder


def test_a_dense_layer_is_its_own_formula(tmp_path: Path) -> None:
    """By default with a bias and tanh, as sentence-transformers has it; half precision becomes float32."""
    weight, bias, x = torch.tensor([[2.0, -1.0], [0.5, 3.0], [1.0, 1.0]]), torch.tensor([1.0, 0.0, -2.0]), torch.ones(2)
    folder = saved(tmp_path, linear__weight=weight, linear__bias=bias)
    sizes: dict[str, Any] = {"in_features": 2, "out_features": 3}
    assert torch.allclose(layer_of("Dense", sizes, folder)(x), torch.tanh(weight @ x + bias))
    relu = sizes | {"activation_function": "torch.nn.modules.activation.ReLU"}
    assert torch.allclose(layer_of("Dense", relu, folder)(x), (weight @ x + bias).relu())
    linear = sizes | {"activation_function": "torch.nn.modules.linear.Identity", "bias": False}
    assert torch.allclose(layer_of("Dense", linear, saved(tmp_path, linear__weight=weight))(x), weight @ x)
    for wrong, said in (
        ({"use_residual": True}, "a dense layer with a residual, which"),
        ({"activation_function": "my.code.Swish"}, "a dense layer with my.code.Swish, which"),
        ({"activation_function": "torch.nn.functional"}, "a dense layer with"),
        ({"activation_function": "other.nn.ReLU"}, "a dense layer with other.nn.ReLU, which"),
    ):
        with pytest.raises(ModelError, match=said):
            layer_of("Dense", sizes | wrong, tmp_path)


def test_a_norm_is_its_own_formula(tmp_path: Path) -> None:
    weight, bias, x = torch.tensor([2.0, 1.0, 0.5]), torch.tensor([0.0, 1.0, -1.0]), torch.tensor([1.0, 2.0, 6.0])
    layer = layer_of("LayerNorm", {"dimension": 3}, saved(tmp_path, norm__weight=weight, norm__bias=bias))
    assert isinstance(layer, nn.LayerNorm)
    assert torch.allclose(layer(x), (x - 3) / (14 / 3) ** 0.5 * weight + bias, atol=1e-4)
