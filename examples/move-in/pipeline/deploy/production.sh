#!/usr/bin/env bash
# production.sh: deploy the newest model to the cluster.
set -euo pipefail
SERVICE=${SERVICE:-fraud-svc}
MODEL=$(az ml model list --model-name fraud --latest --query "[0].id" -o tsv)
if ! az ml computetarget show -n inference -o none; then
  echo "there is no cluster: az ml computetarget create aks makes one"
  exit 1
fi
az ml model deploy -n "$SERVICE" -m "$MODEL" --ct inference \
  --ic deploy/inferenceconfig.json --dc deploy/deploymentconfig-aks.json --overwrite
az ml service get-logs -n "$SERVICE" | tail -n 20
az ml service get-keys -n "$SERVICE" $EXTRA
az ml $LAST_COMMAND
