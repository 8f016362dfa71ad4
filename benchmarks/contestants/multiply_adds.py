"""The peak of fused multiply-adds: chains in registers, as many at once as the processor takes."""

from numba import njit

from benchmarks.data import Array

SIZE = 1024  # numbers, within the first cache
ROUNDS = 20_000
FLOPS = 32  # for each number and round: 16 steps of a multiplication and an addition


@njit(inline="always")
def _four(y: float, a: float, b: float) -> float:
    y = y * a + b
    y = y * a + b
    y = y * a + b
    return y * a + b


@njit(nogil=True, fastmath={"contract"})
def multiply_adds(numbers: Array) -> None:
    """Take ROUNDS times 16 steps of y = a y + b on every number."""
    a, b = 0.999, 0.001
    for _ in range(ROUNDS):
        for i in range(numbers.size):
            numbers[i] = _four(_four(_four(_four(numbers[i], a, b), a, b), a, b), a, b)
