#!/usr/bin/env bash
# The storage class `standard`: a folder of the machine for each claim, wiped when the claim is deleted. The volumes are of
# type `local`, because for those the kubelet honours fsGroup, and pods that are not root can write to them; since all
# nodes are on one machine, a volume can be used from each of them, as a network disk can.
#   volumes.sh FOLDER
set -uo pipefail
volumes=$1
provisioner=raft.io/folder
mkdir -p "$volumes"

kubectl apply -f - <<YAML
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: $provisioner
reclaimPolicy: Delete
allowVolumeExpansion: true
YAML

# What there is to do, one line each: `create UID NAMESPACE CLAIM SIZE`, `grow UID NAMESPACE CLAIM SIZE`, `wipe UID`.
# shellcheck disable=SC2016
program='
  ([.items[] | select(.kind == "PersistentVolume") | {key: .metadata.name, value: .}] | from_entries) as $volumes
  | .items[]
  | if .kind == "PersistentVolumeClaim" then
      select(.spec.storageClassName == "standard")
      | "pvc-\(.metadata.uid)" as $name | .spec.resources.requests.storage as $size
      | "\(.metadata.uid) \(.metadata.namespace) \(.metadata.name) \($size)" as $claim
      | if .metadata.deletionTimestamp then empty
        elif $volumes[$name] == null and .status.phase == "Pending" then "create \($claim)"
        elif .status.phase == "Bound" and .status.capacity.storage != $size then "grow \($claim)"
        else empty end
    else
      select(.metadata.annotations["pv.kubernetes.io/provisioned-by"] == $provisioner)
      | select(.status.phase == "Released" and .metadata.deletionTimestamp == null)
      | "wipe \(.spec.claimRef.uid)"
    end'

create() {
  local uid=$1 namespace=$2 claim=$3 size=$4
  mkdir -p "$volumes/$uid"
  kubectl create -f - <<YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: pvc-$uid, annotations: {pv.kubernetes.io/provisioned-by: $provisioner}}
spec:
  storageClassName: standard
  persistentVolumeReclaimPolicy: Delete
  accessModes: [ReadWriteOnce]
  capacity: {storage: $size}
  claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, namespace: $namespace, name: $claim, uid: $uid}
  local: {path: $volumes/$uid}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: Exists}]}]}}
YAML
}

grow() {
  local uid=$1 namespace=$2 claim=$3 size=$4 capacity
  capacity="{\"capacity\": {\"storage\": \"$size\"}}"
  kubectl patch pv "pvc-$uid" --type merge --patch "{\"spec\": $capacity}"
  kubectl -n "$namespace" patch pvc "$claim" --subresource status --type merge --patch "{\"status\": $capacity}"
}

wipe() {
  rm -rf "${volumes:?}/${1:?}"
  kubectl delete pv "pvc-$1" --wait=false
}

reconcile() {
  local action arguments
  kubectl get pvc,pv --all-namespaces -o json | jq -r --arg provisioner "$provisioner" "$program" | while read -r action arguments; do
    # shellcheck disable=SC2086
    "$action" $arguments < /dev/null
  done
}

# Both watches feed one loop; a burst of changes is one pass.
while :; do
  reconcile
  { kubectl get pvc --all-namespaces --watch-only --no-headers --request-timeout=300s & kubectl get pv --watch-only --no-headers --request-timeout=300s; wait; } 2> /dev/null |
    while read -r _; do
      while read -r -t 0.1 _; do :; done
      reconcile
    done
  sleep 1
done
