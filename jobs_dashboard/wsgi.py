"""The web application, as a WSGI server loads it: `gunicorn jobs_dashboard.wsgi`."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from jobs_dashboard.bridge.configuration import configuration, require_shared

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobs_dashboard.settings")

GUNICORN_STOPS_ON = 4  # its APP_LOAD_ERROR: with any other status it would start this worker again for ever

try:
    application = get_wsgi_application()
    require_shared(configuration())
except ImproperlyConfigured as error:
    sys.stderr.write(f"jobs_dashboard: {error}\n")  # there is no logging before there are settings
    raise SystemExit(GUNICORN_STOPS_ON) from None
