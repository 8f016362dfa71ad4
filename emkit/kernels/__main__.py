"""`python -m emkit.kernels` compiles every kernel into Numba's cache, so that no fit has to."""

from emkit.kernels.choice import MODULES, compile_all

if __name__ == "__main__":
    print(f"Compiling {' and '.join(MODULES)}, or reading them from the cache: up to a minute.")
    for name, seconds in compile_all().items():
        print(f"{name}: ready after {seconds:.1f} s")
