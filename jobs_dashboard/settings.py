"""Settings of this project: safe without any environment, strict in production (docs/configuration.md)."""

from __future__ import annotations

import zoneinfo
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured

from jobs_dashboard import environment
from jobs_dashboard.database_url import database_from
from jobs_dashboard.log_format import configure_structlog, logging_settings
from jobs_dashboard.mail import email_settings, mailer
from jobs_dashboard.secret_key import kept_key, require_given, require_strong

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

# What kind of place this is. Every name but "development" is held to the rules of production, so that a
# misspelt one errs on the safe side (docs/decisions/0101).

ENVIRONMENT = environment.text("JOBS_ENV", "development").lower()
IS_PRODUCTION = ENVIRONMENT != "development"
DEBUG = environment.flag("DEBUG", default=False)
if IS_PRODUCTION and DEBUG:
    raise ImproperlyConfigured(f"DEBUG is on while JOBS_ENV is {ENVIRONMENT!r}: it would show settings to strangers.")

# Who may talk to it.

SECRET_KEY = environment.text("SECRET_KEY")
ALLOWED_HOSTS = environment.names("ALLOWED_HOSTS")
if IS_PRODUCTION:
    require_given(ENVIRONMENT, SECRET_KEY=SECRET_KEY, ALLOWED_HOSTS=ALLOWED_HOSTS)
    require_strong(SECRET_KEY)
else:
    SECRET_KEY = SECRET_KEY or kept_key(VAR_DIR / "secret_key")
    ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", ".localhost", "127.0.0.1", "[::1]"]
CSRF_FAILURE_VIEW = "jobs_dashboard.views.errors.csrf_failed"
CSRF_TRUSTED_ORIGINS = environment.names("CSRF_TRUSTED_ORIGINS")

# HTTPS. In production it is taken for granted; HTTPS=false is for a network that is closed by other means.

HTTPS = environment.flag("HTTPS", default=IS_PRODUCTION)
BEHIND_PROXY = environment.flag("BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^healthz$"]  # probes ask over plain HTTP, inside the house
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

_COOKIE = "__Host-jobs_" if HTTPS else "jobs_"
SESSION_COOKIE_NAME = _COOKIE + "session"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 12 * 60 * 60  # from sign-in: pages that poll do not prolong it
CSRF_COOKIE_NAME = _COOKIE + "csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True  # forms and htmx carry the token in the page

# These would speak for other hosts of the same domain, which is for their owner to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if not HTTPS:
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W012", "security.W016"]

# What it is made of.

INSTALLED_APPS = [
    "whitenoise.runserver_nostatic",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "axes",
    "ninja",
    "jobs_dashboard",
    "examples",
]

MIDDLEWARE = [
    "jobs_dashboard.site_headers.SiteHeaders",  # outermost: redirects and static files want a policy as well
    "django.middleware.security.SecurityMiddleware",
    "jobs_dashboard.static_files.ServeHashedNames",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "jobs_dashboard.site_urls"
WSGI_APPLICATION = "jobs_dashboard.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": database_from(environment.text("DATABASE_URL"), default_file=VAR_DIR / "db.sqlite3"),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Jobs: each variable of docs/configuration.md may be given here as well, without its JOBS_ prefix;
# the environment goes before it.

JOBS: dict[str, object] = {}
JOBS_HISTORY_DAYS = environment.number("JOBS_HISTORY_DAYS", 90, least=1, most=3_660)
JOBS_HISTORY_ROWS = environment.number("JOBS_HISTORY_ROWS", 1_000_000, least=1_000, most=1_000_000_000)

# Signing in. Five wrong passwords for one name from one address close that door for a quarter of an hour.

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "jobs:login"
LOGIN_REDIRECT_URL = "jobs:overview"
LOGOUT_REDIRECT_URL = "jobs:login"

AXES_FAILURE_LIMIT = environment.number("LOGIN_FAILURE_LIMIT", 5, least=1, most=1_000)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_HTTP_RESPONSE_CODE = 429
AXES_LOCKOUT_CALLABLE = "jobs_dashboard.views.errors.locked_out"
AXES_DISABLE_ACCESS_LOG = True  # it keeps what failed, not who came and went
AXES_CLIENT_IP_CALLABLE = "jobs_dashboard.client_address.client_address"

# Language and time.

LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = environment.text("TIME_ZONE", "UTC")
if TIME_ZONE not in zoneinfo.available_timezones():
    raise ImproperlyConfigured(f"TIME_ZONE is {TIME_ZONE!r}: give a name such as Europe/Berlin or UTC.")

# Static files are served from where they lie, under hashed names. collectstatic is not needed; where a platform
# runs it unasked, it has a place to write to.

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [folder for folder in [BASE_DIR / "static"] if folder.is_dir()]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "jobs_dashboard.static_files.HashedNames"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 0 if DEBUG else 300  # seconds, of the names without a hash
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Mail, under the names that this version of Django has for it.

DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", "jobs@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
if django.VERSION >= (6, 1):
    MAILERS = {"default": mailer()}
else:
    globals().update(email_settings())

# Logs.

LOGGING = logging_settings(
    format=environment.choice("LOG_FORMAT", "json" if IS_PRODUCTION else "console", ["console", "json"]),
    level=environment.choice("LOG_LEVEL", "info", ["debug", "info", "warning", "error"]).upper(),
)
configure_structlog()
