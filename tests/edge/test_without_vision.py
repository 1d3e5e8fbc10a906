"""A gateway with sensors only runs without numpy, OpenCV and onnxruntime."""

import subprocess
import sys

BLOCKED = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numpy", "cv2", "onnxruntime", "lap"):
            raise ModuleNotFoundError(f"no {name} here", name=name)
sys.meta_path.insert(0, Refuse())
"""


def test_agent_check_doctor_and_models_import_without_vision() -> None:
    program = BLOCKED + (
        "import gatehouse_edge.cli, gatehouse_edge.app.agent, gatehouse_edge.app.check\n"
        "import gatehouse_edge.app.doctor, gatehouse_edge.app.models\n"
        "from gatehouse_edge.cli import main\n"
        "sys.exit(main(['model', 'list']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "yolox_nano" in done.stdout
