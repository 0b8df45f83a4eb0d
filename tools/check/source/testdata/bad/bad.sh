#!/bin/sh
echo Frobnicate
