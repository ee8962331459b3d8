"""Put the assets beside this file into Superset: database, datasets, charts and dashboard, by their uuid."""

from pathlib import Path

from flask import g
from superset.app import create_app

ASSETS = Path(__file__).resolve().parent / "assets"


def main() -> None:
    """Import as the user admin; the files replace what was changed by hand."""
    app = create_app()
    with app.app_context():
        from superset import security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand

        g.user = security_manager.find_user("admin")
        contents = {
            path.relative_to(ASSETS).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(ASSETS.rglob("*.yaml"))
        }
        ImportAssetsCommand(contents).run()


if __name__ == "__main__":
    main()
