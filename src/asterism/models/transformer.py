"""Self-attention over tokens of which some were not observed, and pooling them into one vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from asterism.models.attention import CrossAttentionBlock, attend

__all__ = ["Pool", "Transformer", "TransformerBlock"]


class TransformerBlock(nn.Module):
    """Pre-norm self-attention, then a pre-norm MLP of four times the width (Xiong et al. 2020, arXiv:2002.04745).

    Parameters
    ----------
    width, heads : int
        Width of a token, and the heads that share it between them.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, tokens: Tensor, valid: Tensor, turn: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """(B, N, width), (B, N) bool with at least one valid token each, what `rotation` gives → (B, N, width)."""
        qkv = self.query_key_value(self.norm_attention(tokens))
        q, k, v = qkv.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        if turn is not None:
            q, k = _turned(q, turn), _turned(k, turn)
        attended = attend(q, k, v, valid)
        tokens = tokens + self.out(attended.transpose(1, 2).flatten(2))
        return tokens + self.mlp(tokens)


def rotation(places: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (N, width / 2) that let attention see how far apart tokens are, and not where they are.

    Rotary position embedding (Su et al. 2021, arXiv:2104.09864, section 3.2.2).

    Parameters
    ----------
    places : Tensor
        (N,) in units in which neighbours are 1 apart.
    width : int
        Of a head.
    """
    frequency = 100.0 ** (-torch.arange(width // 2) / (width // 2))
    angle = places[:, None] * frequency
    return angle.cos(), angle.sin()


def _turned(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    cosine, sine = turn
    first, second = x.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], -1)


class Transformer(nn.Module):
    """Blocks, one after the other.

    Parameters
    ----------
    width, heads, blocks : int
    """

    def __init__(self, width: int, heads: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(TransformerBlock(width, heads) for _ in range(blocks))

    def forward(self, tokens: Tensor, valid: Tensor, turn: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """(B, N, width), (B, N) bool, what `rotation` gives → (B, N, width)."""
        for block in self.blocks:
            tokens = block(tokens, valid, turn)
        return tokens


class Pool(nn.Module):
    """Tokens → one vector: a learned query attends to those that are valid.

    Parameters
    ----------
    width, heads : int
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.query = nn.Parameter(0.5 * torch.randn(1, width))
        self.block = CrossAttentionBlock(width, width, heads, dropout=0.0)
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, valid: Tensor) -> Tensor:
        """(B, N, width), (B, N) bool → (B, width)."""
        return self.norm(self.block(self.query.expand(len(tokens), -1, -1), tokens, valid)[:, 0])
