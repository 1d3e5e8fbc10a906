"""Which cell answers for which object, and how wrong it is: SimOTA as in YOLOX (Ge et al. 2021), for a handful of classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from training.network import decoded

_REACH_CELLS = 1.5
_CANDIDATES = 10
_FAR = 1e5


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes `(n, 4)` with boxes `(m, 4)`, `(n, m)`."""
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    both = (high - low).clamp(min=0).prod(dim=2)
    area_a, area_b = (a[:, 2:] - a[:, :2]).prod(dim=1), (b[:, 2:] - b[:, :2]).prod(dim=1)
    return both / (area_a[:, None] + area_b[None] - both + 1e-7)


def assign(
    rows: Tensor, boxes: Tensor, truth: Tensor, labels: Tensor, corners: Tensor, strides: Tensor
) -> tuple[Tensor, Tensor]:
    """Cells that answer, and the index of the object of each, for one frame.

    `rows` `(cells, 5 + classes)` logits, `boxes` `(cells, 4)`, `truth` `(objects, 4)`, `labels` `(objects,)`.
    """
    centre = (corners + 0.5) * strides[:, None]
    middle = (truth[:, :2] + truth[:, 2:]) / 2
    near = ((centre[None] - middle[:, None]).abs() < _REACH_CELLS * strides[None, :, None]).all(
        dim=2
    )
    inside = ((centre[None] > truth[:, None, :2]) & (centre[None] < truth[:, None, 2:])).all(dim=2)
    open_cells = (near | inside).any(dim=0).nonzero().squeeze(1)
    both = (near & inside)[:, open_cells]
    overlap = iou(truth, boxes[open_cells])
    score = (rows[open_cells, 5:].sigmoid() * rows[open_cells, 4:5].sigmoid()).sqrt()
    wanted = score[:, labels].T.clamp(1e-6, 1 - 1e-6)
    cost = -wanted.log() - 3.0 * overlap.clamp(min=1e-8).log() + _FAR * (~both)
    takes = (
        overlap.topk(min(_CANDIDATES, overlap.shape[1]), dim=1).values.sum(dim=1).int().clamp(min=1)
    )
    matched = torch.zeros_like(cost, dtype=torch.bool)
    for index, take in enumerate(takes.tolist()):
        matched[index, cost[index].topk(min(take, cost.shape[1]), largest=False).indices] = True
    crowded = matched.sum(dim=0) > 1
    if crowded.any():
        best = cost[:, crowded].argmin(dim=0)
        matched[:, crowded] = one_hot(best, len(truth)).T.bool()
    answering = matched.any(dim=0)
    return open_cells[answering], matched[:, answering].float().argmax(dim=0)


def loss_of(
    rows: Tensor, targets: list[tuple[Tensor, Tensor]], corners: Tensor, strides: Tensor
) -> Tensor:
    """The loss of a batch: box, objectness and class, over the number of answering cells."""
    boxes = decoded(rows, corners, strides)
    wanted = torch.zeros_like(rows[..., 4])
    box_loss, class_loss, answering = rows.new_zeros(()), rows.new_zeros(()), 0
    for index, (truth, labels) in enumerate(targets):
        if len(truth) == 0:
            continue
        with torch.no_grad():
            cell, which = assign(rows[index], boxes[index], truth, labels, corners, strides)
        overlap = _paired_giou(boxes[index, cell], truth[which])
        box_loss = box_loss + (1 - overlap).sum()
        classes = rows[index, cell, 5:]
        class_loss = class_loss + binary_cross_entropy_with_logits(
            classes, one_hot(labels[which], classes.shape[1]).float(), reduction="sum"
        )
        wanted[index, cell] = 1.0
        answering += len(cell)
    present = binary_cross_entropy_with_logits(rows[..., 4], wanted, reduction="sum")
    return (5.0 * box_loss + present + class_loss) / max(answering, 1)


def _paired_giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised intersection over union of boxes pair by pair, `(n,)`."""
    both = (
        (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2]))
        .clamp(min=0)
        .prod(dim=1)
    )
    union = (a[:, 2:] - a[:, :2]).prod(dim=1) + (b[:, 2:] - b[:, :2]).prod(dim=1) - both
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(dim=1)
    return both / (union + 1e-7) - (hull - union) / (hull + 1e-7)
