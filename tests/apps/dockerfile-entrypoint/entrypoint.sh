#!/bin/sh
echo "prepared" > /tmp/prepared
exec "$@"
