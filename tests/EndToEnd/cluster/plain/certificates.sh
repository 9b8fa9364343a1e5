# The plain cluster's certificate authority, the certificates it signs, and kubeconfigs that carry them.
# shellcheck shell=bash
# shellcheck disable=SC2154

pki=$state/pki

authority() {
  mkdir -p "$pki"
  [ -f "$pki/ca.crt" ] && return
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=plain-cluster -keyout "$pki/ca.key" -out "$pki/ca.crt" 2> /dev/null
  openssl genrsa -out "$pki/service-accounts.key" 2048 2> /dev/null
  openssl rsa -in "$pki/service-accounts.key" -pubout -out "$pki/service-accounts.pub" 2> /dev/null
}

# certificate NAME SUBJECT [SUBJECT_ALT_NAMES]
certificate() {
  local name=$pki/$1 subject=$2 names=${3:-}
  [ -f "$name.crt" ] && return
  openssl req -newkey rsa:2048 -nodes -subj "$subject" -keyout "$name.key" -out "$name.csr" 2> /dev/null
  openssl x509 -req -in "$name.csr" -days 3650 -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -out "$name.crt" \
    -extfile <(printf 'keyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\n%s\n' "${names:+subjectAltName=$names}") 2> /dev/null
}

# kubeconfig NAME: state/NAME.kubeconfig for the certificate of that name
kubeconfig() {
  cat > "$state/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: plain
contexts: [{name: plain, context: {cluster: plain, user: $1}}]
clusters: [{name: plain, cluster: {server: "https://$control_address:6443", certificate-authority: $pki/ca.crt}}]
users: [{name: $1, user: {client-certificate: $pki/$1.crt, client-key: $pki/$1.key}}]
YAML
}

control_plane_certificates() {
  authority
  certificate api-server /CN=kube-apiserver "$(api_server_names)"
  certificate api-server-to-kubelet /O=system:masters/CN=api-server-to-kubelet
  certificate admin /O=system:masters/CN=admin
  certificate controller-manager /CN=system:kube-controller-manager
  certificate scheduler /CN=system:kube-scheduler
  certificate proxy /CN=system:kube-proxy
  local user
  for user in admin controller-manager scheduler proxy; do kubeconfig "$user"; done
}

api_server_names() {
  local names=DNS:localhost,IP:127.0.0.1,IP:$control_address,IP:$first_service_address domain
  for domain in kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local; do names+=,DNS:$domain; done
  echo "$names"
}
