import os
import sys
from pathlib import Path

BASE_DIR = Path(__file__).parent.parent
IS_BUILD = "collectstatic" in sys.argv
SECRET_KEY = os.environ["SECRET_KEY"] if IS_BUILD else os.environ.get("SECRET_KEY", "for the test")
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.staticfiles"]
MIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware"]
ROOT_URLCONF = "shop.urls"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "assets"]
