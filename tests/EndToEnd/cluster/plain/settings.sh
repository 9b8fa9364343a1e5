# Names, addresses and places of the plain cluster. Everything it writes is below one folder of the user's cache.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154

kubernetes_version=1.20.2
kubernetes_recipe=2                  # raised with every change of how the programs are built, so that no old ones are used
kubernetes_home=${XDG_CACHE_HOME:-$HOME/.cache}/raft-kubernetes
binaries=$kubernetes_home/$kubernetes_version-$kubernetes_recipe
state=$kubernetes_home/run
admin_kubeconfig=$state/admin.kubeconfig

node_count=3
node_network=10.250.0                # the control plane is .1, node N is .(10+N)
control_address=$node_network.1
pod_network=10.244                   # node N gives its pods addresses in 10.244.N.0/24
service_network=10.96.0.0/16
first_service_address=10.96.0.1
bridge=raft0
pause_image=localhost/pause:3.2

build_packages=(dpkg-dev golang-go golang-github-modern-go-reflect2-dev rsync jq make gcc libc6-dev buildah)
runtime_packages=(etcd-server containerd runc containernetworking-plugins iptables iproute2 openssl jq dnsmasq-base util-linux procps)

node_numbers() { seq "$node_count"; }
node_address() { echo "$node_network.$((10 + $1))"; }
