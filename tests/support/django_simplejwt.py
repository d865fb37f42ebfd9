"""A Django project with djangorestframework-simplejwt in one file: JSON in, two JWTs out, as a program of its own.

It must never be used for anything but tests: its key is made at each start, its hashes are cheap on purpose, and its
database lies in a temporary folder that goes with it.

    python tests/support/django_simplejwt.py PORT

Port 0 takes a free one. The line `ready URL` says that it serves.
"""

import logging
import secrets
import signal
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Final, NoReturn

import django
from django.conf import settings

USERNAME: Final = "ada.byron@example.com"
INACTIVE: Final = "grace.hopper@example.com"
"""Has the same password, and is refused like somebody who does not exist."""
PASSWORD: Final = "Swordfish-and-chips-42"


def configure(folder: Path) -> ModuleType:
    """Tell Django everything; returns the module that it will ask for its routes."""
    routes = ModuleType("routes")
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "users.sqlite3"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "rest_framework",
            "rest_framework_simplejwt.token_blacklist",
        ],
        LOGGING_CONFIG=None,
        # As in a new project; it also writes the length of every answer.
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ROOT_URLCONF=routes,
        SECRET_KEY=secrets.token_hex(32),
        USE_TZ=True,
    )
    logging.getLogger("django").setLevel(logging.ERROR)
    django.setup()
    return routes


def add_routes(routes: ModuleType) -> None:
    """The routes that the getting-started page of simplejwt names."""
    from django.urls import path  # noqa: PLC0415 - Django's modules ask for settings when they are imported
    from rest_framework_simplejwt import views  # noqa: PLC0415

    routes.__dict__["urlpatterns"] = [
        path("api/token/", views.TokenObtainPairView.as_view()),
        path("api/token/refresh/", views.TokenRefreshView.as_view()),
        path("api/token/verify/", views.TokenVerifyView.as_view()),
        path("api/token/blacklist/", views.TokenBlacklistView.as_view()),
    ]


def add_users() -> None:
    """The tables, and two people in them."""
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    User.objects.create_user(USERNAME, email=USERNAME, password=PASSWORD)
    User.objects.create_user(INACTIVE, email=INACTIVE, password=PASSWORD, is_active=False)


def main(port: int) -> NoReturn:
    """Serve on this port of the loopback until a signal ends it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory() as folder:
        add_routes(configure(Path(folder)))
        add_users()
        from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: PLC0415
        from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

        with ThreadedWSGIServer(("127.0.0.1", port), WSGIRequestHandler) as server:
            server.set_app(get_wsgi_application())
            sys.stdout.write(f"ready http://127.0.0.1:{server.server_port}\n")
            sys.stdout.flush()
            server.serve_forever()
    sys.exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
