"""Incremental EM: the M-step does not wait for all of the data."""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from itertools import accumulate
from operator import add
from typing import Any, Self, TypeAlias

import attrs

from emkit.accelerate.checks import check_knows_q
from emkit.algorithm import Ascent, Evaluate, M, Point
from emkit.arguments import check_count
from emkit.execution.evaluate import log_prior, same_units
from emkit.statistics import Expectation
from emkit.values import replace, value

Part: TypeAlias = Callable[[M], Expectation[Any]]
"""The E-step of one block of the data."""


Q_ROUNDING = 1e-10
"""Of Q, relative to its size and the number of units: a sum of terms that cancel, each known to rounding."""


@value
class Block:
    """What the latest E-step of one block learnt."""

    learnt: Expectation[Any]
    q: float  # Q of the model of that E-step given its statistics, nats

    @classmethod
    def of(cls, model: Any, part: Part[Any]) -> Self:
        """Run the E-step of a block at a model."""
        learnt = part(model)
        return cls(learnt, _q(model, learnt))

    def bound(self, model: Any) -> tuple[float, float]:
        """Return the log likelihood of the block at a model, at least so much, and how far that may be off, nats."""
        q = _q(model, self.learnt)
        error = Q_ROUNDING * (abs(q) + abs(self.q) + self.learnt.units)
        return self.learnt.log_likelihood + (q - self.q), self.learnt.rounding + error


@value
class IncrementalEM:
    """Incremental EM: the E-step of one block of the data at a time, each followed by an M-step from all blocks.

    What a block taught is kept, and replaced when its turn comes again; an iteration is one turn of each, and one pass.
    The first is a plain EM step. With q the posteriors of all blocks, each at the model of its latest E-step, no update
    lowers the bound F(q, θ) = E_q[log p(x, z; θ)] + entropy of q + log prior, at most the objective: the objective of
    points and of the trace, but for a fit's last. A state goes on with the data that it came from, to the last bit;
    the first iteration from it ascends nothing where its bound is below the objective of its model.

    Args:
        blocks: how many, at least 1: contiguous, and of the same number of units or one more; as many as units, if
            there are fewer. Each turn takes an M-step and two evaluations of Q, which must be cheap beside its E-step.

    Reference: R. M. Neal and G. E. Hinton (1998), A view of the EM algorithm that justifies incremental, sparse, and
    other variants, in M. I. Jordan (ed.), Learning in Graphical Models, 355-368, equation 7.
    """

    blocks: int = attrs.field(default=10, converter=lambda given: check_count("blocks", given))
    kept: tuple[Block, ...] = attrs.field(default=(), repr=False)
    reached: float | None = attrs.field(default=None, repr=False)  # the objective of the last point
    ascent: Ascent = attrs.field(default=Ascent.OBJECTIVE, repr=False)

    def check(self, model: Any, /) -> None:
        """Refuse a model that does not know Q."""
        check_knows_q(self, model, instead="EM()")

    def ascends(self) -> Ascent:
        """Return the bound, after the first iteration."""
        return self.ascent

    def is_bound(self) -> bool:
        """Return True after the first iteration: only then are all blocks evaluated at the last model."""
        return self.ascent is not Ascent.OBJECTIVE

    def advance(self, at: Point[M], evaluate: Evaluate[M], /) -> tuple[Self, Point[M]]:
        """Give each block its turn; at first, take a plain EM step that does."""
        parts = evaluate.parts(self.blocks)
        if not self._knows(at.expectation.units, len(parts)):
            model = evaluate.m_step(at.model, at.expectation.statistics)
            kept = tuple(Block.of(model, part) for part in parts)
            learnt = reduce(add, (block.learnt for block in kept))
            point = Point(model, learnt, learnt.log_likelihood + log_prior(model))
            return type(self)(self.blocks, kept, point.objective), point
        *_, (model, kept) = sweep(at.model, self.kept, parts, evaluate.m_step)
        point = bound(model, kept)
        below = self.reached is not None and self.reached < at.objective
        ascent = Ascent.NOTHING if below else Ascent.BOUND
        return type(self)(self.blocks, kept, point.objective, ascent), point

    def _knows(self, units: float, n_parts: int) -> bool:
        """Return whether what is kept may be of these data."""
        counted = sum(block.learnt.units for block in self.kept)
        return len(self.kept) == n_parts and same_units(counted, units)


def sweep(
    model: M, kept: tuple[Block, ...], parts: Sequence[Part[M]], m_step: Callable[[M, Any], M]
) -> Iterator[tuple[M, tuple[Block, ...]]]:
    """Yield the model after each block's turn, and what is kept of all blocks.

    Statistics are added up, those of blocks that had their turn and those of the others; nothing is ever subtracted.
    """
    others = list(accumulate((block.learnt.statistics for block in reversed(kept[1:])), add))  # [-1]: all but the first
    had: Any = None
    for i, part in enumerate(parts):
        block = Block.of(model, part)
        had = block.learnt.statistics if had is None else had + block.learnt.statistics
        kept = (*kept[:i], block, *kept[i + 1 :])
        model = m_step(model, had + others.pop() if others else had)
        yield model, kept


def bound(model: M, kept: Sequence[Block]) -> Point[M]:
    """Return a model as a point whose objective is F(q, θ), with q the posteriors that are kept.

    Block by block: what rounding left out of a block's statistics then counts only as far as the model has moved.
    """
    total = reduce(add, (block.learnt for block in kept))
    found = [block.bound(model) for block in kept]
    below, rounding = sum(least for least, _ in found), sum(error for _, error in found)
    return Point(model, replace(total, log_likelihood=below, rounding=rounding), below + log_prior(model))


def _q(model: Any, learnt: Expectation[Any]) -> float:
    return float(model.expected_log_joint(learnt.statistics))
