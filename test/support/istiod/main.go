// istiod is Istio's real control plane without Kubernetes: pilot-discovery's own bootstrap, fed from a directory of
// YAML files, with an in-memory Kubernetes client. Pilot can't start with no registry at all (its service entry
// controller wants a multicluster controller, which only exists with a client), so it is given an empty one.
// A test harness only: tokens are believed without a signature.
package main

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"istio.io/istio/pilot/pkg/bootstrap"
	"istio.io/istio/pkg/activenotifier"
	"istio.io/istio/pkg/ctrlz"
	"istio.io/istio/pkg/keepalive"
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/log"
	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"
)

// nowhere is a path that can't exist: pilot's default files are Kubernetes mounts.
const nowhere = "/nonexistent"

type flags struct {
	configDir, meshConfig, namespace     string
	grpc, secureGRPC, http, monitoring   string
	certFile, keyFile, caCertificateFile string
}

func parseFlags() flags {
	var f flags
	flag.StringVar(&f.configDir, "config-dir", "", "directory of Istio resources in YAML; watched")
	flag.StringVar(&f.meshConfig, "mesh-config", "", "file with Istio's MeshConfig; watched")
	flag.StringVar(&f.namespace, "namespace", "istio-system", "Istio's root namespace")
	flag.StringVar(&f.grpc, "grpc", "127.0.0.1:15010", "xDS, plaintext")
	flag.StringVar(&f.secureGRPC, "secure-grpc", "", "xDS and certificate authority, TLS; empty: off")
	flag.StringVar(&f.http, "http", "127.0.0.1:15080", "readiness and debug")
	flag.StringVar(&f.monitoring, "monitoring", "127.0.0.1:15014", "metrics")
	flag.StringVar(&f.certFile, "tls-cert", "", "server certificate; empty: issued by the built-in authority")
	flag.StringVar(&f.keyFile, "tls-key", "", "key of the server certificate")
	flag.StringVar(&f.caCertificateFile, "ca-cert", "", "roots for client certificates")
	flag.Parse()
	return f
}

func main() {
	if err := run(parseFlags()); err != nil {
		fmt.Fprintln(os.Stderr, "istiod:", err)
		os.Exit(1)
	}
}

func run(f flags) error {
	if f.configDir == "" || f.meshConfig == "" {
		return fmt.Errorf("--config-dir and --mesh-config are required")
	}
	if err := log.Configure(log.DefaultOptions()); err != nil {
		return fmt.Errorf("configure logging: %w", err)
	}
	args, err := pilotArgs(f)
	if err != nil {
		return err
	}
	client := emptyCluster()
	server, err := bootstrap.NewServer(args, func(s *bootstrap.Server) { setKubeClient(s, client) })
	if err != nil {
		return fmt.Errorf("create server: %w", err)
	}
	stop := make(chan struct{})
	if err := server.Start(stop); err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	close(stop)
	server.WaitUntilCompletion()
	return nil
}

func pilotArgs(f flags) (*bootstrap.PilotArgs, error) {
	args := bootstrap.NewPilotArgs(func(a *bootstrap.PilotArgs) {
		a.CtrlZOptions = ctrlz.DefaultOptions()
		a.CtrlZOptions.Port = 0
		a.InjectionOptions = bootstrap.InjectionOptions{InjectionDirectory: nowhere}
	})
	args.Namespace = f.namespace
	args.PodName = "istiod"
	args.MeshConfigFile = f.meshConfig
	args.NetworksConfigFile = nowhere
	args.ShutdownDuration = time.Second
	args.KeepaliveOptions = keepalive.DefaultOption()
	args.RegistryOptions.Registries = nil
	args.RegistryOptions.FileDir = f.configDir
	args.RegistryOptions.KubeOptions.DomainSuffix = "cluster.local"
	server := &args.ServerOptions
	server.GRPCAddr = f.grpc
	server.SecureGRPCAddr = f.secureGRPC
	server.HTTPAddr = f.http
	server.HTTPSAddr = ""
	server.MonitoringAddr = f.monitoring
	server.TLSOptions.CertFile = f.certFile
	server.TLSOptions.KeyFile = f.keyFile
	server.TLSOptions.CaCertFile = f.caCertificateFile
	server.TLSOptions.TLSMinVersion = "1.2"
	if err := args.Complete(); err != nil {
		return nil, fmt.Errorf("complete arguments: %w", err)
	}
	// Otherwise the status writer looks for a leader election that a harness doesn't have.
	args.RegistryOptions.KubeOptions.StatusWritingEnabled = activenotifier.New(false)
	return args, nil
}

// emptyCluster has the two namespaces that pilot looks for, and nothing else.
func emptyCluster() kube.CLIClient {
	client := kube.NewFakeClient(
		&core.Namespace{ObjectMeta: meta.ObjectMeta{Name: "default"}},
		&core.Namespace{ObjectMeta: meta.ObjectMeta{Name: "istio-system"}},
	)
	if clientset, ok := client.Kube().(*fake.Clientset); ok {
		clientset.PrependReactor("create", "tokenreviews", reviewToken)
	}
	return client
}

// reviewToken authenticates any JWT whose subject is a service account: the certificate authority needs an answer.
func reviewToken(action k8stesting.Action) (bool, runtime.Object, error) {
	create, ok := action.(k8stesting.CreateAction)
	if !ok {
		return false, nil, nil
	}
	review, ok := create.GetObject().(*authentication.TokenReview)
	if !ok {
		return false, nil, nil
	}
	review = review.DeepCopy()
	if subject := subjectOf(review.Spec.Token); strings.HasPrefix(subject, "system:serviceaccount:") {
		review.Status = authentication.TokenReviewStatus{
			Authenticated: true,
			Audiences:     review.Spec.Audiences,
			User:          authentication.UserInfo{Username: subject, Groups: []string{"system:serviceaccounts"}},
		}
	}
	return true, review, nil
}

func subjectOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Subject
}

// setKubeClient fills a private field: the only door that bootstrap leaves open for a client that isn't a kubeconfig.
func setKubeClient(server *bootstrap.Server, client kube.Client) {
	field := reflect.ValueOf(server).Elem().FieldByName("kubeClient")
	reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Set(reflect.ValueOf(client))
}
