"""results/reference/ is what the program makes, byte for byte, and small enough to open."""
import subprocess

from support import Case, FAREBOX, ROOT

REFERENCE = ROOT / "results" / "reference"
DRAWN = {"plots", "aiperf", "vllm.json", "requests.csv"}  # what a reader may have made there


class Reference(Case):
    def test_made_again_it_is_the_same(self):
        subprocess.run([ROOT / "tests" / "e2e" / "reference.sh", self.scratch], check=True,
                       env={"FAREBOX": FAREBOX, "PATH": "/usr/bin:/bin"})
        made = self.scratch / "results" / "reference"
        names = {p.name for p in REFERENCE.iterdir()} - DRAWN
        self.assertEqual(names, {p.name for p in made.iterdir()})
        for name in sorted(names):
            self.assertTrue((REFERENCE / name).read_bytes() == (made / name).read_bytes(),
                            f"results/reference/{name} is not what the program makes now; "
                            "if that is meant, `make reference` brings it up to date")

    def test_it_is_small(self):
        size = sum(p.stat().st_size for p in REFERENCE.iterdir() if p.name not in DRAWN)
        self.assertLess(size, 300 << 10)
