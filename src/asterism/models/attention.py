"""Cross-attention of a few query tokens over many context tokens, with no work on tokens that nothing attends from."""

from __future__ import annotations

import math
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from asterism.models.precision import single_on_cpu

__all__ = ["CrossAttention", "CrossAttentionBlock", "attend"]


def attend(q: Tensor, k: Tensor, v: Tensor, valid: Tensor) -> Tensor:
    """Queries (B, heads, M, d) of keys and values (B, heads, N, d) that are valid (B, N) → (B, heads, M, d).

    On a CPU always in single precision: the gradient of torch's kernel takes there three times as long with bfloat16 numbers.
    """
    return single_on_cpu(partial(F.scaled_dot_product_attention, attn_mask=valid[:, None, None]), q, k, v)


class CrossAttention(nn.Module):
    """Multi-head attention from query tokens to context tokens of another width.

    Parameters
    ----------
    width, context_width : int
        Widths of the query and context tokens.
    heads : int
        Number of heads; they share `context_width` between them.
    """

    def __init__(self, width: int, context_width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, context_width, bias=False)
        self.key_value = nn.Linear(context_width, 2 * context_width, bias=False)
        self.out = nn.Linear(context_width, width)

    def forward(self, queries: Tensor, context: Tensor, valid: Tensor) -> Tensor:
        """Attend.

        Parameters
        ----------
        queries : Tensor
            (B, M, width).
        context : Tensor
            (B, N, context_width).
        valid : Tensor
            (B, N) bool; at least one context token of each object must be valid.

        Returns
        -------
        Tensor
            (B, M, width).
        """
        q, k, v = self._projected(queries, context)
        attended = attend(q, k, v, valid)
        return self.out(attended.transpose(1, 2).flatten(2))

    def weights(self, queries: Tensor, context: Tensor, valid: Tensor) -> Tensor:
        """How much each query takes from each context token: (B, heads, M, N), sum 1 over N, 0 where not valid.

        The same numbers that `forward` attends with (whose fused kernel does not give them away).
        """
        q, k, _ = self._projected(queries, context)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        return scores.masked_fill(~valid[:, None, None], -math.inf).softmax(-1)

    def _projected(self, queries: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, heads, M, d), keys and values (B, heads, N, d)."""
        q = self.query(queries).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v = self.key_value(context).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return q, k, v


class CrossAttentionBlock(nn.Module):
    """Pre-norm cross-attention, then a pre-norm MLP on the query tokens.

    Parameters
    ----------
    width, context_width, heads : int
        As for `CrossAttention`.
    dropout : float
        Dropout on both residual branches.
    """

    def __init__(self, width: int, context_width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm_query = nn.LayerNorm(width)
        self.norm_context = nn.LayerNorm(context_width)
        self.attention = CrossAttention(width, context_width, heads)
        self.mlp = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, context: Tensor, valid: Tensor) -> Tensor:
        """(B, M, width), (B, N, context_width), (B, N) bool → (B, M, width)."""
        attended = self.attention(self.norm_query(queries), self.norm_context(context), valid)
        queries = queries + self.dropout(attended)
        return queries + self.dropout(self.mlp(queries))

    def weights(self, queries: Tensor, context: Tensor, valid: Tensor) -> Tensor:
        """Attention weights (B, heads, M, N) of what `forward` does with the same arguments."""
        return self.attention.weights(self.norm_query(queries), self.norm_context(context), valid)
