"""The starter model merged with a disturbed copy of itself: its perplexity goes from one's to the other's without a jump.

perplexity_test.py PENSIEVE PERPLEXITY: skipped (exit 77) where the starter model is not there.
"""
import math
import os
import pathlib
import subprocess
import sys
import tempfile

from small_models import disturbed

TEXT = """The sea does not freeze at the temperature at which fresh water does, because salt lowers its freezing point. When sea water
cools, the densest of it sinks, and it is only when the whole column near the surface has come close to minus two degrees that crystals
begin to form. The first ice is a thin, greasy layer of needles. Wind and waves break it into round plates, which grow thicker, strike
each other and raise their edges. In calm weather the plates freeze together into a sheet that thickens from below through the winter.
Salt does not fit into the lattice of ice, so it collects in small pockets of brine, which drain slowly downwards. Old ice is therefore
nearly fresh, and people who lived on the coasts of the far north melted it for drinking water. In spring the snow on the ice melts
first; the pools of water are darker than the snow and take up more of the light of the sun, and so they grow and deepen."""


def main(pensieve, perplexity):
    models = pathlib.Path(os.environ.get("PENSIEVE_TEST_MODELS", os.path.expanduser("~/.cache/pensieve/models")))
    model = models / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not model.exists():
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "text").write_text(TEXT)
        subprocess.run([pensieve, "merge", model, "--type", "q8_0", "--out", folder / "a.gguf"], check=True)
        disturbed(folder / "a.gguf", folder / "b.gguf")
        places = [0, 0.02, 0.25, 0.5, 0.75, 0.98, 1]
        for t in places:
            subprocess.run([pensieve, "merge", folder / "a.gguf", folder / "b.gguf", "--t", str(t), "--out", folder / f"{t}.gguf"], check=True)
        files = [folder / "a.gguf", folder / "b.gguf", *(folder / f"{t}.gguf" for t in places)]
        lines = subprocess.run([perplexity, folder / "text", *files], check=True, capture_output=True, text=True).stdout.split()
    first, second, *merged = map(float, lines)
    print(f"a {first:.3f}, b {second:.3f};", ", ".join(f"t={t}: {value:.3f}" for t, value in zip(places, merged, strict=True)))
    assert first < 40, "the starter model does not understand the text"
    assert second > 1.01 * first, "the copy is hardly disturbed"
    assert merged[0] == first and merged[-1] == second
    assert abs(math.log(merged[1] / first)) < 0.02 and abs(math.log(merged[-2] / second)) < 0.05, "a jump at an end"
    # Between two copies with independent errors, an average has smaller errors than the worse one.
    assert all(value < second for value in merged[:-1])
    assert merged[2] < merged[4] < merged[5]


if __name__ == "__main__":
    main(*sys.argv[1:])
